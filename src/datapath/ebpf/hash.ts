/** The hash of bpf/hash.h. The numbers are random with each load, since tenants choose what is hashed. */

/** Five 64-bit numbers as they are in memory, the lower half of each first. */
export type HashSeed = Uint32Array;

export const seedWords = 10;

export function randomSeed(): HashSeed {
  return crypto.getRandomValues(new Uint32Array(seedWords));
}

/** A sum of products modulo 2⁶⁴, of which the upper half counts, in steps that doubles don't round. */
export class Hash {
  readonly #seed: HashSeed;

  constructor(seed: HashSeed) {
    this.#seed = seed;
  }

  /** Of the first `count` words, four at most. A 32-bit number. */
  of(words: ArrayLike<number>, count: number): number {
    const seed = this.#seed;
    let low = seed[0] ?? 0;
    let high = seed[1] ?? 0;
    for (let index = 0; index < count; index++) {
      const word = words[index] ?? 0;
      const factor = seed[2 * index + 2] ?? 0;
      const sum = low + (Math.imul(factor, word) >>> 0);
      low = sum >>> 0;
      const carry = sum > 0xffffffff ? 1 : 0;
      high = (high + upperHalf(factor, word) + Math.imul(seed[2 * index + 3] ?? 0, word) + carry) | 0;
    }
    return scatter(high);
  }
}

/** Of the product of two 32-bit numbers. */
function upperHalf(a: number, b: number): number {
  const [aLow, aHigh, bLow, bHigh] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16];
  const middle = aHigh * bLow + Math.floor((aLow * bLow) / 0x10000);
  const other = aLow * bHigh + (middle & 0xffff);
  return aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(other / 0x10000);
}

function scatter(sum: number): number {
  let hash = sum ^ (sum >>> 16);
  hash = Math.imul(hash, 0x7feb352d);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x846ca68b);
  return (hash ^ (hash >>> 16)) >>> 0;
}
