/** Longest-prefix match by one hash table per prefix length: few lengths are in use, whatever the number of prefixes. */
import { addressWidth, leadingBits } from '../objects/ip.ts';
import type { Address, Cidr, IpFamily, LeadingBits } from '../objects/ip.ts';

interface Level<T> {
  readonly length: number;
  readonly values: Map<LeadingBits, T>;
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
    level.values.set(leadingBits(family, bits, prefixLength), value);
  }

  /** Of exactly this prefix. */
  get({ family, bits, prefixLength }: Cidr): T | undefined {
    const level = this.#levels[family].find(({ length }) => length === prefixLength);
    return level?.values.get(leadingBits(family, bits, prefixLength));
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
    level.values.delete(leadingBits(family, bits, prefixLength));
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

  *entries(
    family: IpFamily,
  ): Generator<{ readonly length: number; readonly leadingBits: LeadingBits; readonly value: T }> {
    for (const { length, values } of this.#levels[family]) {
      for (const [leading, value] of values) yield { length, leadingBits: leading, value };
    }
  }

  #longest(family: IpFamily, bits: bigint, maxLength: number): T | undefined {
    for (const { length, values } of this.#levels[family]) {
      if (length > maxLength) continue;
      const value = values.get(leadingBits(family, bits, length));
      if (value !== undefined) return value;
    }
    return undefined;
  }
}
