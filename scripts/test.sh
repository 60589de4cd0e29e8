#!/bin/sh
# `npm test`: sets up what is missing, then runs every gate and every test. Arguments go to vitest, to run some of them:
#   npm test -- test/policy
# With BULKHEAD_CLUSTER=1 nothing is skipped that can be had: what test clusters need is brought, too, which takes minutes.
set -eu
scripts=$(CDPATH='' cd -- "$(dirname "$0")" && pwd -P)
"$scripts/setup.sh" ${BULKHEAD_CLUSTER:+--cluster}
exec "$scripts/node.sh" "$scripts/test.ts" "$@"
