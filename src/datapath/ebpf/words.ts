/**
 * Memory that programs read while it is written, as 32-bit words in lines of 64 bytes. What is written through here is
 * seen by every processor in the order of `publish`: before it what came before, after it what comes after.
 */
import { PageSums } from './page-sums.ts';

export const wordsPerLine = 16;

export class Words {
  readonly name: string;
  readonly length: number;
  readonly buffer: ArrayBuffer;
  /** Of what was written through here. */
  readonly sums: PageSums;
  readonly #words: Uint32Array<ArrayBuffer>;
  readonly #pairs: BigUint64Array<ArrayBuffer>;

  /** `length` in words, even. The memory must be zero. */
  constructor(name: string, buffer: ArrayBuffer, length: number) {
    this.name = name;
    this.length = length;
    this.buffer = buffer;
    this.#words = new Uint32Array(buffer, 0, length);
    this.#pairs = new BigUint64Array(buffer, 0, length / 2);
    this.sums = new PageSums(this.#words);
  }

  read(index: number): number {
    return this.#words[index] ?? 0;
  }

  write(index: number, value: number): void {
    this.sums.willBe(index, value);
    this.#words[index] = value;
  }

  /** Two words as one, so that nobody sees one without the other; `index` is even. */
  writePair(index: number, low: number, high: number): void {
    this.sums.willBe(index, low);
    this.sums.willBe(index + 1, high);
    Atomics.store(this.#pairs, index / 2, (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0));
  }

  copyLine(to: number, from: number): void {
    const [target, source] = [to * wordsPerLine, from * wordsPerLine];
    for (let word = 0; word < wordsPerLine; word++) {
      this.sums.willBe(target + word, this.read(source + word));
    }
    this.#words.copyWithin(target, source, source + wordsPerLine);
  }

  publish(index: number, value: number): void {
    this.sums.willBe(index, value);
    Atomics.store(this.#words, index, value);
    // A store is only a fence for what comes before it; a load that may not pass it is one for what comes after.
    Atomics.load(this.#words, index);
  }
}
