/** Memory that this process shares with the kernel: a mapping of what a descriptor stands for. */
import koffi from 'koffi';
import { libc, errno, SystemCallError } from './libc.ts';

const mmap: (
  address: bigint | null,
  length: number,
  protection: number,
  flags: number,
  fd: number,
  offset: number,
) => bigint = libc.func('void *mmap(void *, size_t, int, int, int, long)');
const munmap: (address: bigint, length: number) => number = libc.func('int munmap(void *, size_t)');

export const pageSize: number = (libc.func('int getpagesize()') as () => number)();

const PROT_NONE = 0;
const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const MAP_PRIVATE = 2;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = 0x20;
const MAP_NORESERVE = 0x4000;
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

/** Bytes of a window: a multiple of the page size of every machine that Bulkhead is built for. */
export const windowSize = 65_536;

/**
 * Memory that is shared window by window. The kernel maps every page of a BPF map at once, whether it is used or not, and
 * each counts as resident; so a large and sparse map is mapped where it is used. All else of the buffer is
 * reserved: whoever touches it ends the process.
 */
export class SharedWindows {
  readonly buffer: ArrayBuffer;
  readonly #fd: number;
  readonly #address: bigint;
  readonly #length: number;
  readonly #mapped: Uint8Array;
  #open = true;

  /** `length` in bytes. Throws SystemCallError. */
  constructor(fd: number, length: number) {
    this.#fd = fd;
    this.#length = length;
    this.#address = reserve(null, length);
    this.#mapped = new Uint8Array(Math.ceil(length / windowSize));
    this.buffer = koffi.view(this.#address, length);
  }

  isMapped(window: number): boolean {
    return this.#mapped[window] === 1;
  }

  /** Does nothing where it is mapped. Throws SystemCallError. */
  map(window: number): void {
    if (this.isMapped(window)) return;
    const { address, length, offset } = this.#place(window);
    const flags = MAP_SHARED | MAP_FIXED;
    if (mmap(address, length, PROT_READ | PROT_WRITE, flags, this.#fd, offset) === MAP_FAILED)
      throw new SystemCallError('mmap of a part of a BPF map', errno());
    this.#mapped[window] = 1;
  }

  /** Throws SystemCallError. */
  release(window: number): void {
    const { address, length } = this.#place(window);
    this.#mapped[window] = 0;
    reserve(address, length);
  }

  /** The buffer must not be touched any more. */
  close(): void {
    if (this.#open) munmap(this.#address, this.#length);
    this.#open = false;
  }

  #place(window: number): { readonly address: bigint; readonly length: number; readonly offset: number } {
    const offset = window * windowSize;
    const length = Math.min(windowSize, this.#length - offset);
    return { address: this.#address + BigInt(offset), length, offset };
  }
}

/** In place of what is at the address; null: anywhere. */
function reserve(place: bigint | null, length: number): bigint {
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (place === null ? 0 : MAP_FIXED);
  const address = mmap(place, length, PROT_NONE, flags, -1, 0);
  if (address === MAP_FAILED) throw new SystemCallError('mmap of reserved addresses', errno());
  return address;
}
