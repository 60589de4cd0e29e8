#!/bin/sh
# Builds the kernel side: dist/bulkhead.bpf.o. Needs clang, llvm-strip and libbpf's headers (Debian: clang llvm libbpf-dev).
set -eu
cd "$(dirname "$0")/.."

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

mkdir -p dist
object=dist/bulkhead.bpf.o
# Built beside and moved, so that a reader never finds half an object.
clang -O2 -g -target bpf -D__TARGET_ARCH_$target -mcpu=v3 -Wall -Wextra -Werror \
  -I"/usr/include/$machine-linux-gnu" -c bpf/bulkhead.bpf.c -o "$object.new"
# Drops the DWARF; BTF and its relocations stay.
llvm-strip -g "$object.new"
mv "$object.new" "$object"
