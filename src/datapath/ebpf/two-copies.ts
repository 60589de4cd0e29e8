/**
 * A table of which packets read one copy while the other is written. Both are equal but for the lines written since
 * they last were, so making them equal again is the same after a commit, when the copy that went out of use catches
 * up, and after a failure, when what was written is taken back.
 */
import type { Version } from './layout.ts';
import { wordsPerLine } from './words.ts';
import type { Words } from './words.ts';

export class TwoCopies {
  readonly #words: Words;
  /** In one copy. */
  readonly #lines: number;
  readonly #isWritten: Uint8Array;
  #written: number[] = [];
  #spare: Version = 1;

  constructor(words: Words) {
    this.#words = words;
    this.#lines = words.length / wordsPerLine / 2;
    this.#isWritten = new Uint8Array(this.#lines);
  }

  /** In words of one copy. */
  get length(): number {
    return this.#lines * wordsPerLine;
  }

  get name(): string {
    return this.#words.name;
  }

  /** Of the copy that is written. */
  read(index: number): number {
    return this.#words.read(this.#spare * this.length + index);
  }

  write(index: number, value: number): void {
    const line = Math.floor(index / wordsPerLine);
    if (!this.#isWritten[line]) {
      this.#isWritten[line] = 1;
      this.#written.push(line);
    }
    this.#words.write(this.#spare * this.length + index, value);
  }

  /** Makes the spare copy equal to the one in use. */
  level(inUse: Version): void {
    this.#spare = inUse ? 0 : 1;
    for (const line of this.#written) {
      this.#words.copyLine(this.#spare * this.#lines + line, inUse * this.#lines + line);
    }
    for (const line of this.#written) this.#isWritten[line] = 0;
    this.#written = [];
  }
}
