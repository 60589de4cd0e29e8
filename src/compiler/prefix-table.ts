/** Longest-prefix match by one hash table per prefix length: few lengths are in use, whatever the number of prefixes. */
import { addressWidth } from '../objects/ip.ts';
import type { Address, Cidr, IpFamily } from '../objects/ip.ts';

interface Level<T> {
  readonly length: number;
  readonly hostBits: bigint;
  readonly values: Map<bigint, T>;
}

export class PrefixTable<T> {
  /** Longest first. */
  readonly #levels: Readonly<Record<IpFamily, Level<T>[]>> = { 4: [], 6: [] };

  set({ family, bits, prefixLength }: Cidr, value: T): void {
    const levels = this.#levels[family];
    let level = levels.find((candidate) => candidate.length === prefixLength);
    if (!level) {
      level = {
        length: prefixLength,
        hostBits: BigInt(addressWidth(family) - prefixLength),
        values: new Map(),
      };
      levels.push(level);
      levels.sort((a, b) => b.length - a.length);
    }
    level.values.set(bits >> level.hostBits, value);
  }

  delete({ family, bits, prefixLength }: Cidr): void {
    const levels = this.#levels[family];
    const index = levels.findIndex((candidate) => candidate.length === prefixLength);
    const level = levels[index];
    if (!level) return;
    level.values.delete(bits >> level.hostBits);
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

  #longest(family: IpFamily, bits: bigint, maxLength: number): T | undefined {
    for (const { length, hostBits, values } of this.#levels[family]) {
      if (length > maxLength) continue;
      const value = values.get(bits >> hostBits);
      if (value !== undefined) return value;
    }
    return undefined;
  }
}
