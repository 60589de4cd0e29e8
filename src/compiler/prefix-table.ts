/** Longest-prefix match by one hash table per prefix length: few lengths are in use, whatever the number of prefixes. */
import { randomBytes } from 'node:crypto';
import { addressWidth, leadingBits } from '../objects/ip.ts';
import type { Address, Cidr, IpFamily, LeadingBits } from '../objects/ip.ts';

interface Level<T> {
  readonly length: number;
  readonly values: Map<Key, T>;
}

/**
 * Leading bits, mixed with what nobody knows who chooses prefixes. V8 hashes numbers without a seed, and of a bigint its
 * lower 64 bits alone: addresses that end alike would be found one after another.
 */
type Key = LeadingBits;

const seed = randomBytes(16);
const numberSeed = seed.readInt32LE();
const bigintSeed = seed.readBigUInt64LE(8);
const oddSeed = bigintSeed | 1n;
const hashedBits = 64;

/** Two of one length are equal only where the leading bits are. */
function keyOf(family: IpFamily, bits: bigint, length: number): Key {
  const leading = leadingBits(family, bits, length);
  if (typeof leading === 'number') return leading ^ numberSeed;
  if (length <= hashedBits) return leading ^ bigintSeed;
  return leading ^ BigInt.asUintN(hashedBits, (leading >> BigInt(hashedBits)) * oddSeed);
}

export class PrefixTable<T> {
  /** Longest first. */
  readonly #levels: Readonly<Record<IpFamily, Level<T>[]>> = { 4: [], 6: [] };

  set({ family, bits, prefixLength }: Cidr, value: T): void {
    const levels = this.#levels[family];
    let level = levels.find((candidate) => candidate.length === prefixLength);
    if (!level) {
      level = { length: prefixLength, values: new Map() };
      levels.push(level);
      levels.sort((a, b) => b.length - a.length);
    }
    level.values.set(keyOf(family, bits, prefixLength), value);
  }

  /** Of exactly this prefix. */
  get({ family, bits, prefixLength }: Cidr): T | undefined {
    const level = this.#levels[family].find(({ length }) => length === prefixLength);
    return level?.values.get(keyOf(family, bits, prefixLength));
  }

  *values(): Generator<T> {
    for (const family of [4, 6] as const) {
      for (const { values } of this.#levels[family]) yield* values.values();
    }
  }

  delete({ family, bits, prefixLength }: Cidr): void {
    const levels = this.#levels[family];
    const index = levels.findIndex((candidate) => candidate.length === prefixLength);
    const level = levels[index];
    if (!level) return;
    level.values.delete(keyOf(family, bits, prefixLength));
    if (level.values.size === 0) levels.splice(index, 1);
  }

  /** The value of the longest prefix that holds the address. */
  match({ family, bits }: Address): T | undefined {
    return this.#longest(family, bits, addressWidth(family));
  }

  /** The value of the longest prefix that holds `cidr` and is shorter than it. */
  cover({ family, bits, prefixLength }: Cidr): T | undefined {
    return this.#longest(family, bits, prefixLength - 1);
  }

  /** Those of IPv4. */
  *entries(): Generator<{ readonly length: number; readonly leadingBits: number; readonly value: T }> {
    for (const { length, values } of this.#levels[4]) {
      for (const [key, value] of values)
        yield { length, leadingBits: (Number(key) ^ numberSeed) >>> 0, value };
    }
  }

  #longest(family: IpFamily, bits: bigint, maxLength: number): T | undefined {
    for (const { length, values } of this.#levels[family]) {
      if (length > maxLength) continue;
      const value = values.get(keyOf(family, bits, length));
      if (value !== undefined) return value;
    }
    return undefined;
  }
}
