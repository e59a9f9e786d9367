#!/usr/bin/env bash
# Prepare .venv with .venv/bin/invigil in it, and what the pages take from npm. `install.sh dev` adds
# what checks and tests need. Does nothing where nothing changed since the last time.
set -euo pipefail
cd "$(dirname "$0")/.."

MODE=${1:-run}
VENV=.venv
LOG=var/install.log
NEEDED_MB=1500

fail() {
  echo "invigil: $*" >&2
  exit 1
}

# Whether a command is a Python we can use.
fits() {
  command -v "$1" >/dev/null && "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
  local candidate
  for candidate in "${PYTHON:-python3}" python3 python3.13 python3.12 python3.11; do
    if fits "$candidate"; then
      echo "$candidate"
      return
    fi
  done
  fail "Python 3.11 or newer is needed: install it (Debian: apt-get install python3 python3-venv), or name one with make PYTHON=/path/to/python3."
}

# Run quietly; show the end of what it said where it fails, and say a full disk as such.
quietly() {
  "$@" >"$LOG" 2>&1 && return
  if grep -q "No space left on device" "$LOG"; then
    fail "the disk is full: free about ${NEEDED_MB} MB and run this again."
  fi
  tail -n 15 "$LOG" >&2
  fail "installing failed; the whole log is in $LOG."
}

check_space() {
  local free_mb
  free_mb=$(df -Pm . | awk 'NR == 2 { print $4 }')
  if [ "$free_mb" -lt "$NEEDED_MB" ]; then
    fail "the disk is too full: installing takes about ${NEEDED_MB} MB, and ${free_mb} MB are free."
  fi
}

make_venv() {
  local python=$1
  if [ -d "$VENV" ] && ! fits "$VENV/bin/python"; then
    echo "The environment in $VENV does not run any more: making it anew."
    rm -rf "$VENV"
  fi
  [ -d "$VENV" ] && return
  "$python" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "this Python cannot make environments: install its venv module (Debian: apt-get install python3-venv)."
  quietly "$python" -m venv "$VENV"
}

# What an installation was made from; it is repeated when this changes.
fingerprint() {
  cat pyproject.toml package.json package-lock.json deploy/install.sh | sha256sum | cut -c1-16
}

install_python_packages() {
  local what=.
  [ "$MODE" = dev ] && what='.[dev]'
  echo "Installing Python packages into $VENV (about 250 MB the first time, a minute or two)…"
  quietly "$VENV/bin/python" -m pip install --disable-pip-version-check --no-input -e "$what"
}

install_browser_libraries() {
  if ! command -v npm >/dev/null; then
    echo "npm is not installed: the pages use the system's font and a plain editor, and the demo has fewer clips."
    return
  fi
  local omit=--omit=dev
  [ "$MODE" = dev ] && omit=--include=dev
  echo "Installing browser libraries…"
  if ! npm ci --silent --ignore-scripts "$omit" >"$LOG" 2>&1; then
    if [ "${CI:-}" = true ]; then
      tail -n 15 "$LOG" >&2
      fail "npm could not install the browser libraries."
    fi
    echo "npm could not install the browser libraries (see $LOG): the pages use the system's font."
    return
  fi
  local font=node_modules/@fontsource-variable/inter vendor=web/static/vendor/inter
  mkdir -p "$vendor"
  cp "$font"/files/inter-latin-wght-normal.woff2 "$font"/files/inter-latin-ext-wght-normal.woff2 \
    "$font"/LICENSE "$vendor/"
}

STAMP=$VENV/.installed-$MODE-$(fingerprint)
# What is installed for developers serves everybody.
for stamp in "$STAMP" "$VENV/.installed-dev-$(fingerprint)"; do
  if [ -e "$stamp" ] && fits "$VENV/bin/python" && [ -x "$VENV/bin/invigil" ]; then
    exit 0
  fi
done
[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] ||
  fail "this runs on Linux on x86-64 only; here is $(uname -s) on $(uname -m)."
PYTHON_FOUND=$(find_python)
check_space
mkdir -p var
make_venv "$PYTHON_FOUND"
install_python_packages
install_browser_libraries
rm -f "$VENV"/.installed-*
touch "$STAMP"
echo "Ready: $VENV/bin/invigil --help"
