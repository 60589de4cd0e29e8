/** Addresses in use, filed so that those in a prefix are found without asking all. */
import { addressWidth } from '../../objects/ip.ts';
import type { Address, Cidr, IpFamily } from '../../objects/ip.ts';

/** Number of leading bits by which held addresses are filed: a node's pods are often in one such prefix. */
const bucketBits: Readonly<Record<IpFamily, number>> = { 4: 24, 6: 120 };

export class AddressBook<T extends { readonly address: Address }> {
  readonly #buckets: Readonly<Record<IpFamily, Map<bigint, Set<T>>>> = { 4: new Map(), 6: new Map() };

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

  /** What the prefix holds, and perhaps some of its neighbours. */
  *near({ family, bits, prefixLength }: Cidr): Generator<T> {
    const buckets = this.#buckets[family];
    const filed = BigInt(addressWidth(family) - bucketBits[family]);
    const first = bits >> filed;
    const wider = bucketBits[family] - prefixLength;
    if (wider <= 0) {
      yield* buckets.get(first) ?? [];
    } else if (2 ** wider < buckets.size) {
      for (let index = 0; index < 2 ** wider; index += 1) yield* buckets.get(first + BigInt(index)) ?? [];
    } else {
      const end = first + (1n << BigInt(wider));
      for (const [key, bucket] of buckets) if (first <= key && key < end) yield* bucket;
    }
  }

  #place({ family, bits }: Address): { buckets: Map<bigint, Set<T>>; key: bigint } {
    return { buckets: this.#buckets[family], key: bits >> BigInt(addressWidth(family) - bucketBits[family]) };
  }
}
