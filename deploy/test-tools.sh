#!/usr/bin/env bash
# Install what tests need beside Python: a browser, a database server, ffmpeg, a speech synthesiser.
# Where that is not allowed, say what is missing; the tests that need it are skipped with the reason.
set -euo pipefail

declare -A PACKAGE=(
  [chromium]=chromium
  [mariadbd]=mariadb-server
  [ffmpeg]=ffmpeg
  [espeak-ng]=espeak-ng
)
PATH=$PATH:/usr/sbin

missing_packages() {
  local tool
  for tool in "${!PACKAGE[@]}"; do
    command -v "$tool" >/dev/null || echo "${PACKAGE[$tool]}"
  done | sort
}

mapfile -t missing < <(missing_packages)
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing for the tests: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  log=$(mktemp)
  if ! { apt-get update -q && apt-get install -y -q --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 5 "$log"
  fi
  rm -f "$log"
  mapfile -t missing < <(missing_packages)
fi

if [ ${#missing[@]} -gt 0 ]; then
  echo "Not here, and not installed (that takes root and apt): ${missing[*]}."
  echo "Tests that need them are skipped and say so."
fi
