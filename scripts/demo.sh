#!/bin/sh
# `npm run demo`: sets up what is missing, then shows Bulkhead on the shop example. See demo.ts.
set -eu
scripts=$(CDPATH='' cd -- "$(dirname "$0")" && pwd -P)
"$scripts/setup.sh"
exec "$scripts/node.sh" "$scripts/demo.ts"
