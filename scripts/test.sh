#!/bin/sh
# `npm test`: sets up what is missing, then runs every gate and every test. Arguments go to vitest, to run some of them:
#   npm test -- test/policy
set -eu
scripts=$(CDPATH='' cd -- "$(dirname "$0")" && pwd -P)
"$scripts/setup.sh"
exec "$scripts/node.sh" "$scripts/test.ts" "$@"
