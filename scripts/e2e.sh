#!/bin/sh
# `npm run e2e -- …`: the long tests on real clusters. `npm run e2e -- --help`
set -eu
scripts=$(CDPATH='' cd -- "$(dirname "$0")" && pwd -P)
"$scripts/setup.sh"
exec "$scripts/node.sh" "$scripts/../test/e2e/main.ts" "$@"
