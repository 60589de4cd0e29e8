/**
 * The reading side of a BPF ring buffer, straight on its memory: no system call and no copy per record.
 *
 * Layout (kernel/bpf/ringbuf.c): one writable page with the consumer's position, one page with the producer's, then
 * the data twice in a row, so that a record that wraps around is still in one piece. A record is a header of 8 bytes
 * (length, two flags in its top bits) and its data, padded to 8.
 */
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
const getpagesize: () => number = libc.func('int getpagesize()');

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const MAP_FAILED = 2n ** 64n - 1n;

const headerSize = 8;
const busy = 2 ** 31;
const discarded = 2 ** 30;

interface Mapping {
  readonly address: bigint;
  readonly length: number;
}

export class RingBuffer {
  readonly #size: number;
  readonly #mappings: readonly [Mapping, Mapping];
  readonly #consumed: BigInt64Array<ArrayBuffer>;
  readonly #produced: BigInt64Array<ArrayBuffer>;
  readonly #headers: Int32Array<ArrayBuffer>;
  readonly #data: DataView<ArrayBuffer>;
  #closed = false;

  /** `size` is the map's max_entries. Throws SystemCallError. */
  constructor(fd: number, size: number) {
    const page = getpagesize();
    const consumer = map({ fd, length: page, protection: PROT_READ | PROT_WRITE, offset: 0 });
    const producer = map({ fd, length: page + 2 * size, protection: PROT_READ, offset: page });
    this.#size = size;
    this.#mappings = [consumer, producer];
    this.#consumed = new BigInt64Array(koffi.view(consumer.address, 8));
    const view = koffi.view(producer.address, producer.length);
    this.#produced = new BigInt64Array(view, 0, 1);
    this.#headers = new Int32Array(view, page, (2 * size) / 4);
    this.#data = new DataView(view, page);
  }

  /**
   * Hands at most `limit` records to `onRecord`, oldest first, and says how many. The view into the ring is only valid
   * during the call; `offset` is where the record's data begins in it.
   */
  drain(limit: number, onRecord: (ring: DataView, offset: number) => void): number {
    if (this.#closed) return 0;
    let taken = 0;
    let position = Atomics.load(this.#consumed, 0);
    const end = Atomics.load(this.#produced, 0);
    try {
      while (position < end && taken < limit) {
        const offset = Number(position & BigInt(this.#size - 1));
        const header = Atomics.load(this.#headers, offset / 4) >>> 0;
        if (header >= busy) break;
        const length = header % discarded;
        position += BigInt(Math.ceil((length + headerSize) / 8) * 8);
        if (header < discarded) {
          taken += 1;
          onRecord(this.#data, offset + headerSize);
        }
      }
    } finally {
      // Also when onRecord throws: what was handed out is not handed out again.
      Atomics.store(this.#consumed, 0, position);
    }
    return taken;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { address, length } of this.#mappings) munmap(address, length);
  }
}

function map(options: { fd: number; length: number; protection: number; offset: number }): Mapping {
  const { fd, length, protection, offset } = options;
  const address = mmap(null, length, protection, MAP_SHARED, fd, offset);
  if (address === MAP_FAILED) throw new SystemCallError('mmap of a BPF ring buffer', errno());
  return { address, length };
}
