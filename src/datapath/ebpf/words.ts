/**
 * Memory that programs read while it is written, as 32-bit words in lines of 64 bytes. What is written through here is
 * seen by every processor in the order of `publish`: before it what came before, after it what comes after.
 */
import { windowSize } from '../../kernel/shared-memory.ts';
import { PageSums, wordsPerPage } from './page-sums.ts';

export const wordsPerLine = 16;

/** The memory behind words. A part that is not mapped holds zeros: nobody has written it through here. */
export interface WordMemory {
  readonly buffer: ArrayBuffer;
  /** By windows of `windowSize` bytes. */
  isMapped(window: number): boolean;
  /** Does nothing where it is mapped. */
  map(window: number): void;
  release(window: number): void;
}

const wordsPerWindow = windowSize / 4;
const pagesPerWindow = wordsPerWindow / wordsPerPage;

export class Words {
  readonly name: string;
  readonly length: number;
  readonly memory: WordMemory;
  /** Of what was written through here. */
  readonly #sums: PageSums;
  readonly #words: Uint32Array<ArrayBuffer>;
  readonly #pairs: BigUint64Array<ArrayBuffer>;

  /** `length` in words, even. The memory must be zero. */
  constructor(name: string, memory: WordMemory, length: number) {
    this.name = name;
    this.length = length;
    this.memory = memory;
    this.#words = new Uint32Array(memory.buffer, 0, length);
    this.#pairs = new BigUint64Array(memory.buffer, 0, length / 2);
    this.#sums = new PageSums(this.#words);
  }

  get pages(): number {
    return this.#sums.pages;
  }

  read(index: number): number {
    return this.memory.isMapped(Math.floor(index / wordsPerWindow)) ? (this.#words[index] ?? 0) : 0;
  }

  write(index: number, value: number): void {
    this.#willBe(index, value);
    this.#words[index] = value;
  }

  /** Two words as one, so that nobody sees one without the other; `index` is even. */
  writePair(index: number, low: number, high: number): void {
    this.#willBe(index, low);
    this.#willBe(index + 1, high);
    Atomics.store(this.#pairs, index / 2, (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0));
  }

  copyLine(to: number, from: number): void {
    const [target, source] = [to * wordsPerLine, from * wordsPerLine];
    for (let word = 0; word < wordsPerLine; word++) {
      const value = this.read(source + word);
      this.#willBe(target + word, value);
      this.#words[target + word] = value;
    }
  }

  publish(index: number, value: number): void {
    this.#willBe(index, value);
    Atomics.store(this.#words, index, value);
    // A store is only a fence for what comes before it; a load that may not pass it is one for what comes after.
    Atomics.load(this.#words, index);
  }

  /** Of these pages, those that somebody else has written. */
  *changedPages(first: number, end: number): Generator<number> {
    for (let page = first; page < end; page = this.#nextWindow(page)) {
      yield* this.#changedOfWindow(page, Math.min(end, this.#nextWindow(page)));
    }
  }

  /** What is not in use is mapped for the look only. */
  #changedOfWindow(first: number, end: number): number[] {
    const window = Math.floor(first / pagesPerWindow);
    const isInUse = this.memory.isMapped(window);
    this.memory.map(window);
    const pages = Array.from({ length: end - first }, (_, index) => first + index);
    const changed = pages.filter((page) => !this.#sums.isIntact(page));
    if (!isInUse) this.memory.release(window);
    return changed;
  }

  #nextWindow(page: number): number {
    return (Math.floor(page / pagesPerWindow) + 1) * pagesPerWindow;
  }

  #willBe(index: number, value: number): void {
    this.memory.map(Math.floor(index / wordsPerWindow));
    this.#sums.willBe(index, value);
  }
}
