/** By a hash of the first 32 bits of an IPv6 address: which lengths of prefixes there may be. */
import type { Hash } from './hash.ts';
import { LengthCounts } from './length-counts.ts';
import { prefixLengthOf, valueOf } from './prefix-rows.ts';
import type { Row } from './slot-table.ts';
import type { TwoCopies } from './two-copies.ts';

const entries = 4096;
const wordsPerEntry = 4;
/** The entry after the last one holds the value of the prefix of length 0. */
const rest = entries;
/** Prefixes that are shorter than this are in no single entry, and so in every one. */
const shortest = 32;

export class Directory6 {
  readonly #entries: TwoCopies;
  readonly #hash: Hash;
  readonly #counts = new LengthCounts();

  constructor(copies: TwoCopies, hash: Hash) {
    this.#entries = copies;
    this.#hash = hash;
  }

  /** A prefix that the table has, or has another value for, from now on. */
  put(row: Row, isNew: boolean): void {
    const length = prefixLengthOf(row);
    if (length === 0) this.#entries.write(rest * wordsPerEntry, valueOf(row));
    else if (isNew && this.#counts.add(this.#entryOf(row, length), length)) this.#flip(row, length);
  }

  /** A prefix that the table no longer has. */
  remove(row: Row): void {
    const length = prefixLengthOf(row);
    if (length === 0) this.#entries.write(rest * wordsPerEntry, 0);
    else if (this.#counts.remove(this.#entryOf(row, length), length)) this.#flip(row, length);
  }

  keep(): void {
    this.#counts.keep();
  }

  takeBack(): void {
    this.#counts.takeBack();
  }

  #entryOf(row: Row, length: number): number {
    return length < shortest ? rest : this.#hash.of(row, 1) % entries;
  }

  #flip(row: Row, length: number): void {
    const one = this.#entryOf(row, length);
    const [first, last] = one === rest ? [0, entries - 1] : [one, one];
    const word = Math.ceil(length / 32) - 1;
    const bit = 1 << (32 * (word + 1) - length);
    for (let entry = first; entry <= last; entry++) {
      const index = entry * wordsPerEntry + word;
      this.#entries.write(index, (this.#entries.read(index) ^ bit) >>> 0);
    }
  }
}
