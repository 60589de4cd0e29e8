/**
 * A hash table in lines of memory, as bpf/tables.h describes it: a row is in the first slot that was free from the
 * first slot of its home line on, within a window of lines. Rows never move.
 */
import type { Hash } from './hash.ts';
import { TableFull } from './table-full.ts';
import { wordsPerLine } from './words.ts';

/** How a slot is laid out. */
export interface SlotShape {
  /** Slots in a line. */
  readonly slots: number;
  /** Lines that a reader looks through. */
  readonly window: number;
  /** Bits of each word of a slot that belong to the key. */
  readonly key: readonly number[];
  /** Words of the key that are hashed, from the first on. */
  readonly hashed: number;
  /** What the words of a slot's key are when its row is gone while another was pushed past it. Zero: free. */
  readonly gone: readonly number[];
}

export interface SlotMemory {
  /** In words, a power of two of lines. */
  readonly length: number;
  read(index: number): number;
  write(index: number, value: number): void;
  /** Present where packets read while rows come and go: then the key is one pair. */
  writePair?(index: number, low: number, high: number): void;
}

/** The words of a slot. */
export type Row = readonly number[];

export class SlotTable {
  readonly #memory: SlotMemory;
  readonly #shape: SlotShape;
  readonly #hash: Hash;
  readonly #lines: number;
  /** Slots in all, and slots in which a row may be. */
  readonly #count: number;
  readonly #pathLength: number;
  readonly #free: Row;

  constructor(options: { memory: SlotMemory; shape: SlotShape; hash: Hash }) {
    this.#memory = options.memory;
    this.#shape = options.shape;
    this.#hash = options.hash;
    this.#lines = options.memory.length / wordsPerLine;
    this.#count = this.#lines * options.shape.slots;
    this.#pathLength = options.shape.window * options.shape.slots;
    this.#free = options.shape.gone.map(() => 0);
  }

  /** The row that has the key of this one. */
  get(row: Row): Row | undefined {
    const slot = this.#find(row);
    return slot === undefined ? undefined : this.#rowAt(slot);
  }

  /** Adds the row or puts it in place of the one with its key. Throws TableFull. */
  put(row: Row): void {
    let room: number | undefined;
    let slot = this.#home(row);
    for (let step = 0; step < this.#pathLength; step++) {
      if (this.#holdsKeyOf(slot, row)) {
        this.#write(slot, row);
        return;
      }
      const isFree = this.#isFree(slot);
      if (room === undefined && (isFree || this.#isGone(slot))) room = slot;
      if (isFree) break;
      slot = this.#after(slot);
    }
    if (room === undefined) throw new TableFull();
    this.#write(room, row);
  }

  /** Removes the row with this key, if there is one. */
  remove(row: Row): void {
    let slot = this.#find(row);
    if (slot === undefined) return;
    if (!this.#isFree(this.#after(slot))) {
      this.#mark(slot, this.#shape.gone);
      return;
    }
    // No row was pushed past a slot that a free one follows, so it can be free itself, and then those before it.
    do {
      this.#mark(slot, this.#free);
      slot = this.#before(slot);
    } while (this.#isGone(slot));
  }

  *rows(): Generator<Row> {
    for (let slot = 0; slot < this.#count; slot++) {
      if (!this.#isFree(slot) && !this.#isGone(slot)) yield this.#rowAt(slot);
    }
  }

  #find(row: Row): number | undefined {
    let slot = this.#home(row);
    for (let step = 0; step < this.#pathLength; step++) {
      if (this.#holdsKeyOf(slot, row)) return slot;
      if (this.#isFree(slot)) return undefined;
      slot = this.#after(slot);
    }
    return undefined;
  }

  #home(row: Row): number {
    const { slots, hashed } = this.#shape;
    return ((this.#hash.of(row, hashed) & (this.#lines - 1)) >>> 0) * slots;
  }

  #after(slot: number): number {
    return slot + 1 === this.#count ? 0 : slot + 1;
  }

  #before(slot: number): number {
    return (slot === 0 ? this.#count : slot) - 1;
  }

  #holdsKeyOf(slot: number, row: Row): boolean {
    const { key } = this.#shape;
    const at = this.#at(slot);
    for (let word = 0; word < key.length; word++) {
      if (((this.#memory.read(at + word) ^ (row[word] ?? 0)) & (key[word] ?? 0)) !== 0) return false;
    }
    return true;
  }

  #isFree(slot: number): boolean {
    return this.#isMarked(slot, this.#free);
  }

  #isGone(slot: number): boolean {
    return this.#isMarked(slot, this.#shape.gone);
  }

  #isMarked(slot: number, mark: readonly number[]): boolean {
    const at = this.#at(slot);
    for (let word = 0; word < mark.length; word++) {
      if (this.#memory.read(at + word) !== mark[word]) return false;
    }
    return true;
  }

  /** Where a slot's words begin. */
  #at(slot: number): number {
    const { slots, key } = this.#shape;
    return Math.floor(slot / slots) * wordsPerLine + (slot % slots) * key.length;
  }

  #rowAt(slot: number): Row {
    const at = this.#at(slot);
    return this.#shape.key.map((_, word) => this.#memory.read(at + word));
  }

  /** The key last, so that it stands for a whole row. */
  #write(slot: number, row: Row): void {
    const at = this.#at(slot);
    const first = this.#memory.writePair ? 2 : 0;
    for (let word = first; word < row.length; word++) this.#memory.write(at + word, row[word] ?? 0);
    this.#memory.writePair?.(at, row[0] ?? 0, row[1] ?? 0);
  }

  #mark(slot: number, mark: readonly number[]): void {
    const at = this.#at(slot);
    if (this.#memory.writePair) this.#memory.writePair(at, mark[0] ?? 0, mark[1] ?? 0);
    else mark.forEach((value, word) => this.#memory.write(at + word, value));
  }
}
