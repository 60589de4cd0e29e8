#!/bin/sh
# `npm test`: sets up what is missing, then runs every gate and every test. Arguments go to vitest, to run some of them:
#   npm test -- test/policy
# In continuous integration (CI) nothing may be skipped that can be had: what test clusters need is brought, too.
set -eu
scripts=$(CDPATH='' cd -- "$(dirname "$0")" && pwd -P)
"$scripts/setup.sh" ${CI:+--cluster}
exec "$scripts/node.sh" "$scripts/test.ts" "$@"
