/** Addresses in use, filed so that those in a prefix are found without asking all. */
import { leadingBits } from '../../objects/ip.ts';
import type { Address, Cidr, IpFamily, LeadingBits } from '../../objects/ip.ts';

/** Number of leading bits by which held addresses are filed: a node's pods are often in one such prefix. */
const bucketBits: Readonly<Record<IpFamily, number>> = { 4: 24, 6: 120 };

export class AddressBook<T extends { readonly address: Address }> {
  readonly #buckets: Readonly<Record<IpFamily, Map<LeadingBits, Set<T>>>> = { 4: new Map(), 6: new Map() };

  add(item: T): void {
    const { buckets, key } = this.#place(item.address);
    const bucket = buckets.get(key);
    if (bucket) bucket.add(item);
    else buckets.set(key, new Set([item]));
  }

  delete(item: T): void {
    const { buckets, key } = this.#place(item.address);
    const bucket = buckets.get(key);
    bucket?.delete(item);
    if (bucket?.size === 0) buckets.delete(key);
  }

  /** What the prefix holds. */
  forEachIn({ family, bits, prefixLength }: Cidr, visit: (item: T) => void): void {
    const buckets = this.#buckets[family];
    const filed = bucketBits[family];
    const first = leadingBits(family, bits, filed);
    const wider = filed - prefixLength;
    if (wider <= 0) {
      const wanted = leadingBits(family, bits, prefixLength);
      buckets.get(first)?.forEach((item) => {
        if (leadingBits(family, item.address.bits, prefixLength) === wanted) visit(item);
      });
    } else if (2 ** wider < buckets.size) {
      for (let index = 0; index < 2 ** wider; index += 1) buckets.get(plus(first, index))?.forEach(visit);
    } else {
      const end = plus(first, 2 ** wider);
      buckets.forEach((bucket, key) => {
        if (first <= key && key < end) bucket.forEach(visit);
      });
    }
  }

  #place({ family, bits }: Address): { buckets: Map<LeadingBits, Set<T>>; key: LeadingBits } {
    return { buckets: this.#buckets[family], key: leadingBits(family, bits, bucketBits[family]) };
  }
}

function plus(bits: LeadingBits, difference: number): LeadingBits {
  return typeof bits === 'number' ? bits + difference : bits + BigInt(difference);
}
