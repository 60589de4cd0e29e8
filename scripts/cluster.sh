#!/bin/sh
# `npm run cluster -- …`: a Kubernetes cluster on this machine for development and tests. `npm run cluster -- --help`
set -eu
scripts=$(CDPATH='' cd -- "$(dirname "$0")" && pwd -P)
exec "$scripts/node.sh" "$scripts/../test/cluster/main.ts" "$@"
