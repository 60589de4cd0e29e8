/** Arrays by batches: one system call for many entries, values packed one after another. */
import { constants } from 'node:os';
import { libbpf } from './libbpf.ts';
import { SystemCallError } from './libc.ts';

export class BpfMap {
  readonly name: string;
  readonly fd: number;

  constructor({ name, fd }: { name: string; fd: number }) {
    this.name = name;
    this.fd = fd;
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
    const keys = new Uint8Array(limit * 4);
    const next = new Uint8Array(4);
    const result = libbpf().lookupBatch(this.fd, null, next, keys, values, count, null);
    if (result < 0 && result !== -constants.errno.ENOENT)
      throw new SystemCallError(`read from map ${this.name}`, -result);
    return count[0] ?? 0;
  }
}
