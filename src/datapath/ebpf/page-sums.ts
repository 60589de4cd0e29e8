/**
 * A sum for each page of a memory, kept as words are written. One word that somebody else changes always changes the
 * sum of its page (odd factors have inverses modulo 2³²); several cancel each other once in 2³².
 */

/** 4096 bytes. */
export const wordsPerPage = 1024;

/** Drawn by lot, so that nobody can choose words that cancel. */
const factors = crypto.getRandomValues(new Uint32Array(wordsPerPage)).map((factor) => factor | 1);

export class PageSums {
  readonly #words: Uint32Array;
  readonly #sums: Uint32Array;

  /** The memory must be zero. */
  constructor(words: Uint32Array) {
    this.#words = words;
    this.#sums = new Uint32Array(Math.ceil(words.length / wordsPerPage));
  }

  get pages(): number {
    return this.#sums.length;
  }

  /** To be called before each write. */
  willBe(index: number, value: number): void {
    const page = Math.floor(index / wordsPerPage);
    const change = (value - (this.#words[index] ?? 0)) | 0;
    this.#sums[page] =
      ((this.#sums[page] ?? 0) + Math.imul(change, factors[index % wordsPerPage] ?? 0)) >>> 0;
  }

  /** Whether nobody else has written the page. */
  isIntact(page: number): boolean {
    const words = this.#words.subarray(page * wordsPerPage, (page + 1) * wordsPerPage);
    let sum = 0;
    for (let index = 0; index < words.length; index++) {
      sum = (sum + Math.imul(words[index] ?? 0, factors[index] ?? 0)) | 0;
    }
    return sum >>> 0 === this.#sums[page];
  }
}
