/** Prefixes by address, wider before narrower: what lies in one follows it, and what it lies in is found by parents. */
import { cidrContainsCidr, compareAddresses } from '../objects/ip.ts';
import type { Cidr } from '../objects/ip.ts';

export class PrefixOrder {
  readonly #prefixes: readonly Cidr[];
  /** Of each the nearest one before it that contains it, or -1. */
  readonly #parents: readonly number[];

  constructor(prefixes: Iterable<Cidr>) {
    this.#prefixes = [...prefixes].toSorted(compareCidrs);
    const parents: number[] = [];
    for (const [index, prefix] of this.#prefixes.entries()) {
      let parent = index - 1;
      while (parent !== -1 && !this.#contains(parent, prefix)) parent = parents[parent] ?? -1;
      parents.push(parent);
    }
    this.#parents = parents;
  }

  /** Whether one of them is this prefix, or contains it. */
  covers(cidr: Cidr): boolean {
    let index = this.#firstAfter(cidr) - 1;
    while (index !== -1 && !this.#contains(index, cidr)) index = this.#parents[index] ?? -1;
    return index !== -1;
  }

  /** Those that lie in this prefix and are narrower, in order. */
  *inside(cidr: Cidr): Generator<Cidr> {
    for (let index = this.#firstAfter(cidr); this.#isIn(index, cidr); index++) {
      const prefix = this.#prefixes[index];
      if (prefix) yield prefix;
    }
  }

  #contains(index: number, cidr: Cidr): boolean {
    const prefix = this.#prefixes[index];
    return prefix !== undefined && cidrContainsCidr(prefix, cidr);
  }

  #isIn(index: number, cidr: Cidr): boolean {
    const prefix = this.#prefixes[index];
    return prefix !== undefined && cidrContainsCidr(cidr, prefix);
  }

  #firstAfter(cidr: Cidr): number {
    let [low, high] = [0, this.#prefixes.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const prefix = this.#prefixes[middle];
      if (prefix && compareCidrs(prefix, cidr) <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export function compareCidrs(a: Cidr, b: Cidr): number {
  return compareAddresses(a, b) || a.prefixLength - b.prefixLength;
}
