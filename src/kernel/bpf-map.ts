/** Maps by batches: one system call for many entries, keys and values packed one after another. */
import { constants } from 'node:os';
import { libbpf } from './libbpf.ts';
import { SystemCallError } from './libc.ts';

/** Keys, and for writing their values, of `count` entries. */
export interface PackedKeys {
  readonly count: number;
  readonly keys: Uint8Array;
}

export interface PackedEntries extends PackedKeys {
  readonly values: Uint8Array;
}

export class BpfMap {
  readonly name: string;
  readonly fd: number;
  readonly #keySize: number;

  constructor(options: { name: string; fd: number; keySize: number }) {
    this.name = options.name;
    this.fd = options.fd;
    this.#keySize = options.keySize;
  }

  /** Adds or replaces; what went in before an error stays in. Throws SystemCallError, E2BIG or ENOSPC: full. */
  put({ count, keys, values }: PackedEntries): void {
    if (count === 0) return;
    const done = Uint32Array.of(count);
    const result = libbpf().updateBatch(this.fd, keys, values, done, null);
    if (result < 0) throw new SystemCallError(`write to map ${this.name}`, -result);
  }

  /** Removes what is there of these keys. */
  remove({ count, keys }: PackedKeys): void {
    let first = 0;
    while (first < count) {
      const done = Uint32Array.of(count - first);
      const result = libbpf().deleteBatch(this.fd, keys.subarray(first * this.#keySize), done, null);
      if (result === 0) return;
      if (result !== -constants.errno.ENOENT)
        throw new SystemCallError(`remove from map ${this.name}`, -result);
      first += (done[0] ?? 0) + 1;
    }
  }

  /** Writes one entry as a whole. */
  set(key: Uint8Array, value: Uint8Array): void {
    const result = libbpf().update(this.fd, key, value, 0);
    if (result < 0) throw new SystemCallError(`write to map ${this.name}`, -result);
  }

  /** Reads one entry into `value`; false if there is none. Per-CPU maps: the values of all possible CPUs. */
  get(key: Uint8Array, value: Uint8Array): boolean {
    const result = libbpf().lookup(this.fd, key, value);
    if (result === -constants.errno.ENOENT) return false;
    if (result < 0) throw new SystemCallError(`read from map ${this.name}`, -result);
    return true;
  }

  /** Reads the first entries into `values` and says how many there were; for arrays that is in order of the index. */
  getFirst(limit: number, values: Uint8Array): number {
    const count = Uint32Array.of(limit);
    const keys = new Uint8Array(limit * this.#keySize);
    const next = new Uint8Array(Math.max(this.#keySize, 4));
    const result = libbpf().lookupBatch(this.fd, null, next, keys, values, count, null);
    if (result < 0 && result !== -constants.errno.ENOENT)
      throw new SystemCallError(`read from map ${this.name}`, -result);
    return count[0] ?? 0;
  }
}
