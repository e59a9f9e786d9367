#!/usr/bin/env bash
# Each optional extra in an environment of its own under var/extras, with the tests that run it for real.
set -uo pipefail
cd "$(dirname "$0")/.."

EXTRAS=(${EXTRAS:-mysql deepface tensorflow ultralytics})
PYTHON=${PYTHON:-.venv/bin/python}
failed=()

for extra in "${EXTRAS[@]}"; do
  venv=var/extras/$extra
  echo "== $extra"
  [ -x "$venv/bin/python" ] || "$PYTHON" -m venv "$venv" || exit 1
  if ! "$venv/bin/python" -m pip install --disable-pip-version-check --no-input -q -e ".[$extra]" \
    pytest pytest-asyncio pytest-timeout hypothesis; then
    failed+=("$extra (could not be installed)")
    continue
  fi
  # By name: a run that selects nothing fails, so that no extra goes untested without a word.
  "$venv/bin/python" -m pytest -m extras -k "$extra" tests/extras || failed+=("$extra")
done

if [ ${#failed[@]} -gt 0 ]; then
  printf 'failed: %s\n' "${failed[@]}"
  exit 1
fi
echo "All extras ran: ${EXTRAS[*]}"
