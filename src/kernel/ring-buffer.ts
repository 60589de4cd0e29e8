/**
 * The reading side of a BPF ring buffer, straight on its memory: no system call and no copy per record.
 *
 * Layout (kernel/bpf/ringbuf.c): one writable page with the consumer's position, one page with the producer's, then
 * the data twice in a row, so that a record that wraps around is still in one piece. A record is a header of 8 bytes
 * (length, two flags in its top bits) and its data, padded to 8.
 */
import { pageSize, shareMemory } from './shared-memory.ts';
import type { SharedMemory } from './shared-memory.ts';

const headerSize = 8;
const busy = 2 ** 31;
const discarded = 2 ** 30;

export class RingBuffer {
  readonly #size: number;
  readonly #mappings: readonly SharedMemory[];
  readonly #consumed: BigInt64Array<ArrayBuffer>;
  readonly #produced: BigInt64Array<ArrayBuffer>;
  readonly #headers: Int32Array<ArrayBuffer>;
  readonly #data: DataView<ArrayBuffer>;
  #closed = false;

  /** `size` is the map's max_entries. Throws SystemCallError. */
  constructor(fd: number, size: number) {
    const consumer = shareMemory({ fd, length: pageSize, isWritable: true });
    const producer = shareMemory({ fd, length: pageSize + 2 * size, offset: pageSize, isWritable: false });
    this.#size = size;
    this.#mappings = [consumer, producer];
    this.#consumed = new BigInt64Array(consumer.buffer, 0, 1);
    this.#produced = new BigInt64Array(producer.buffer, 0, 1);
    this.#headers = new Int32Array(producer.buffer, pageSize, (2 * size) / 4);
    this.#data = new DataView(producer.buffer, pageSize);
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
    for (const mapping of this.#mappings) mapping.close();
  }
}
