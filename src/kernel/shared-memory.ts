/** Memory that this process shares with the kernel: a mapping of what a descriptor stands for. */
import koffi from 'koffi';
import { libc, errno, SystemCallError } from './libc.ts';

const mmap: (
  address: null,
  length: number,
  protection: number,
  flags: number,
  fd: number,
  offset: number,
) => bigint = libc.func('void *mmap(void *, size_t, int, int, int, long)');
const munmap: (address: bigint, length: number) => number = libc.func('int munmap(void *, size_t)');

export const pageSize: number = (libc.func('int getpagesize()') as () => number)();

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const MAP_FAILED = 2n ** 64n - 1n;

export interface SharedMemory {
  /** Must not be touched after `close`. */
  readonly buffer: ArrayBuffer;
  close(): void;
}

/** `offset` is a multiple of the page size. Throws SystemCallError. */
export function shareMemory(options: {
  readonly fd: number;
  readonly length: number;
  readonly offset?: number;
  readonly isWritable: boolean;
}): SharedMemory {
  const { fd, length, offset = 0, isWritable } = options;
  const protection = isWritable ? PROT_READ | PROT_WRITE : PROT_READ;
  const address = mmap(null, length, protection, MAP_SHARED, fd, offset);
  if (address === MAP_FAILED) throw new SystemCallError('mmap of a BPF map', errno());
  let open = true;
  return {
    buffer: koffi.view(address, length),
    close: () => {
      if (open) munmap(address, length);
      open = false;
    },
  };
}
