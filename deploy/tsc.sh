#!/usr/bin/env bash
# Check the types of the pages' JavaScript. Without npm that is skipped, but never under CI.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ ! -x node_modules/.bin/tsc ]; then
  echo "tsc: node_modules has no type checker (is npm installed? then: make install-dev); the JavaScript was not checked."
  [ "${CI:-}" != true ]
  exit
fi
node_modules/.bin/tsc --project jsconfig.json
echo "tsc: no complaints"
