/**
 * By the first 16 bits of an IPv4 address: the value of the longest prefix among the short ones, those of at most 16
 * bits, and which longer lengths there are.
 */
import { LengthCounts } from './length-counts.ts';
import { prefixLengthOf, valueOf } from './prefix-rows.ts';
import type { Row } from './slot-table.ts';
import type { TwoCopies } from './two-copies.ts';

const shortest = 16;
const wordsPerEntry = 2;

export class Directory4 {
  readonly #entries: TwoCopies;
  readonly #counts = new LengthCounts();

  constructor(entries: TwoCopies) {
    this.#entries = entries;
  }

  /** A prefix that the table has, or has another value for, from now on. */
  put(row: Row, isNew: boolean): void {
    const length = prefixLengthOf(row);
    const entry = entryOf(row);
    if (length <= shortest) this.#cover(row, length, { length, value: valueOf(row) });
    else if (isNew && this.#counts.add(entry, length)) this.#flip(entry, length);
  }

  /** A prefix that the table no longer has; `get` finds the row of a prefix that begins like it. */
  remove(row: Row, get: (length: number) => Row | undefined): void {
    const length = prefixLengthOf(row);
    const entry = entryOf(row);
    if (length > shortest) {
      if (this.#counts.remove(entry, length)) this.#flip(entry, length);
      return;
    }
    let around: Row | undefined;
    let covered = length;
    while (!around && covered > 0) around = get(--covered);
    this.#cover(row, length, around && { length: covered, value: valueOf(around) });
  }

  keep(): void {
    this.#counts.keep();
  }

  takeBack(): void {
    this.#counts.takeBack();
  }

  /** In all entries of a short prefix, what no longer one has covered gets this value. */
  #cover(row: Row, prefixLength: number, by: { length: number; value: number } | undefined): void {
    // The one that marks the end of a prefix of 16 bits is beyond the entry.
    const first = (entryOf(row) >>> (shortest - prefixLength)) << (shortest - prefixLength);
    for (let entry = first; entry < first + 2 ** (shortest - prefixLength); entry++) {
      const lengths = this.#entries.read(entry * wordsPerEntry + 1);
      if (lengths >>> 16 > prefixLength + 1) continue;
      const length = by ? by.length + 1 : 0;
      this.#entries.write(entry * wordsPerEntry, by?.value ?? 0);
      this.#entries.write(entry * wordsPerEntry + 1, ((length << 16) | (lengths & 0xffff)) >>> 0);
    }
  }

  #flip(entry: number, length: number): void {
    const index = entry * wordsPerEntry + 1;
    this.#entries.write(index, (this.#entries.read(index) ^ (1 << (32 - length))) >>> 0);
  }
}

function entryOf(row: Row): number {
  return (row[0] ?? 0) >>> 16;
}
