/** Hands out addresses of one prefix that nobody has claimed. */
import { addressWidth, makeAddress, type Address, type Cidr } from '../objects/ip.ts';
import { hash } from './hash.ts';

/** At most this many addresses of a prefix are used, so that IPv6 ones stay short. */
const maxSize = 65_536;

export interface Allocation {
  readonly prefix: Cidr;
  /** Low addresses that are never handed out: the network's own, the gateway's. */
  readonly reserved: number;
  /** Texts of the addresses that are taken; grows with each allocation. */
  readonly claimed: Set<string>;
}

/**
 * A free address for the holder called `name`, which depends on the name only (unless that one is taken): adding
 * and removing other holders renumbers nobody, and a freed address does not go to the next one that comes.
 * Undefined when the prefix is full.
 */
export function allocateAddress(allocation: Allocation, name: string): Address | undefined {
  const { prefix, reserved, claimed } = allocation;
  const size = prefixSize(prefix) - reserved - 1;
  if (size <= 0) return undefined;
  const start = hash(name) % size;
  for (let step = 0; step < size; step += 1) {
    const offset = reserved + ((start + step) % size);
    const address = makeAddress(prefix.family, prefix.bits + BigInt(offset));
    if (claimed.has(address.text)) continue;
    claimed.add(address.text);
    return address;
  }
  return undefined;
}

/** Addresses in a prefix, at most 65,536. */
function prefixSize(prefix: Cidr): number {
  const hostBits = addressWidth(prefix.family) - prefix.prefixLength;
  return hostBits >= 16 ? maxSize : 2 ** hostBits;
}
