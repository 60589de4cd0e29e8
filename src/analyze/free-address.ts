/** Finds an address in a prefix that lies in none of some narrower prefixes. */
import { addressWidth, makeAddress } from '../objects/ip.ts';
import type { Address, Cidr } from '../objects/ip.ts';

/**
 * Takes the first gap, but not its first address if there is another: that one is often a network's own.
 * @param taken lie in `within`, in order of their addresses
 */
export function freeAddress(within: Cidr, taken: Iterable<Cidr>): Address | undefined {
  let start = within.bits;
  for (const cidr of taken) {
    if (start < cidr.bits) return pick(start, cidr.bits - 1n);
    if (lastOf(cidr) >= start) start = lastOf(cidr) + 1n;
  }
  return start <= lastOf(within) ? pick(start, lastOf(within)) : undefined;

  function pick(first: bigint, last: bigint): Address {
    return makeAddress(within.family, first < last ? first + 1n : first);
  }
}

function lastOf({ family, bits, prefixLength }: Cidr): bigint {
  return bits + (1n << BigInt(addressWidth(family) - prefixLength)) - 1n;
}
