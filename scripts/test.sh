#!/bin/sh
# `npm test`: sets up what is missing, then runs every gate and every test. Arguments go to vitest, to run some of them:
#   npm test -- test/policy
# Where all are to run, as root, what tests on Kubernetes clusters need is brought, too: about half an hour, once for all
# checkouts. BULKHEAD_CLUSTER=0: don't, the tests that need it are skipped. BULKHEAD_CLUSTER=1: do, also for some of the tests,
# and skip none of them.
set -eu
scripts=$(CDPATH='' cd -- "$(dirname "$0")" && pwd -P)
case ${BULKHEAD_CLUSTER:-} in
  0) cluster= ;;
  '') if [ $# -eq 0 ] && [ "$(id -u)" -eq 0 ]; then cluster=--cluster; else cluster=; fi ;;
  *) cluster=--cluster ;;
esac
"$scripts/setup.sh" $cluster
exec "$scripts/node.sh" "$scripts/test.ts" "$@"
