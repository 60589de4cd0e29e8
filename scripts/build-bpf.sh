#!/bin/sh
# Builds the kernel side: scripts/build-bpf.sh [SOURCE_DIRECTORY OBJECT], by default bpf and dist/bulkhead.bpf.o.
# BPF_CFLAGS are added to the compiler's options. Needs clang, llvm-strip and libbpf's headers (Debian: clang llvm libbpf-dev).
set -eu
if [ $# -eq 0 ]; then
  cd "$(dirname "$0")/.."
  mkdir -p dist
  set -- bpf dist/bulkhead.bpf.o
fi
source=$1
object=$2

machine=$(uname -m)
case $machine in
x86_64) target=x86 ;;
aarch64) target=arm64 ;;
*) target=$machine ;;
esac

for tool in clang llvm-strip; do
  command -v "$tool" >/dev/null || {
    echo "build-bpf: $tool is missing; install it with: apt-get install clang llvm libbpf-dev" >&2
    exit 2
  }
done

# Built beside and moved, so that a reader never finds half an object.
clang -O2 -g -target bpf -D__TARGET_ARCH_$target -mcpu=v3 -Wall -Wextra ${BPF_CFLAGS:-} \
  -I"/usr/include/$machine-linux-gnu" -c "$source/bulkhead.bpf.c" -o "$object.new"
# Drops the DWARF; BTF and its relocations stay.
llvm-strip -g "$object.new"
mv "$object.new" "$object"
