#!/bin/sh
# `npm run bench`: says on what machine, then runs every benchmark, one after the other. Arguments name some of them:
#   npm run bench -- compile
set -eu
root=$(CDPATH='' cd -- "$(dirname "$0")/.." && pwd -P)
cd "$root"
scripts/setup.sh

processor=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
memory=$(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo)
printf 'Machine: %s × %s, %s, Linux %s, Node.js %s\n' \
  "$(nproc)" "${processor:-unknown processor}" "$memory" "$(uname -r)" "$(scripts/node.sh --version)"

ran=0
for file in src/bench/*.bench.ts; do
  name=$(basename "$file" .bench.ts)
  if [ $# -gt 0 ]; then
    case " $* " in *" $name "*) ;; *) continue ;; esac
  fi
  printf '\n── %s\n' "$name"
  scripts/node.sh --expose-gc "$file"
  ran=$((ran + 1))
done
if [ "$ran" -eq 0 ]; then
  echo "No such benchmark: $*. There are: $(ls src/bench | sed -n 's/\.bench\.ts$//p' | tr '\n' ' ')" >&2
  exit 2
fi
