/**
 * Memory that programs read while it is written, as 32-bit words in lines of 64 bytes. What is written through here is
 * seen by every processor in the order of `publish`: before it what came before, after it what comes after.
 */

export const wordsPerLine = 16;

export class Words {
  readonly name: string;
  readonly length: number;
  readonly buffer: ArrayBuffer;
  readonly #words: Uint32Array<ArrayBuffer>;
  readonly #pairs: BigUint64Array<ArrayBuffer>;

  /** `length` in words, even. */
  constructor(name: string, buffer: ArrayBuffer, length: number) {
    this.name = name;
    this.length = length;
    this.buffer = buffer;
    this.#words = new Uint32Array(buffer, 0, length);
    this.#pairs = new BigUint64Array(buffer, 0, length / 2);
  }

  read(index: number): number {
    return this.#words[index] ?? 0;
  }

  write(index: number, value: number): void {
    this.#words[index] = value;
  }

  /** Two words as one, so that nobody sees one without the other; `index` is even. */
  writePair(index: number, low: number, high: number): void {
    Atomics.store(this.#pairs, index / 2, (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0));
  }

  copyLine(to: number, from: number): void {
    this.#words.copyWithin(to * wordsPerLine, from * wordsPerLine, (from + 1) * wordsPerLine);
  }

  publish(index: number, value: number): void {
    Atomics.store(this.#words, index, value);
    // A store is only a fence for what comes before it; a load that may not pass it is one for what comes after.
    Atomics.load(this.#words, index);
  }
}
