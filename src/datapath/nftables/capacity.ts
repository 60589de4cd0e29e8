/**
 * How many elements each kind of table may have on one node. Counted here and not by the kernel: a set with a limit gets
 * all its hash buckets at once, and the kernel walks through them for each rule that looks something up in it.
 */
import { DatapathFull } from '../datapath-full.ts';
import type { TableCapacity } from '../table-capacity.ts';
import type { Edit } from './entries-of-delta.ts';
import { shared } from './sets.ts';

export type NftablesCapacity = Omit<TableCapacity, 'subjects'>;

export const defaultCapacity: NftablesCapacity = {
  addresses: 131_072,
  cidrs: 65_536,
  classes: 131_072,
  ports: 131_072,
  rules: 65_536,
};

/** An element with its part of its set's buckets or tree, about: 90 to 180 were measured of ranges of addresses. */
const bytesEach = 128;
/** Addresses and prefixes of two families, classes, ports, rules. */
const kinds = 7;

/**
 * How much there is to be room for where elements may take so many bytes of the kernel. It takes them when they come, so
 * nothing is lost by allowing for much; but a rule has a counter, and all counters are read every second.
 */
export function capacityWithin(bytes: number): NftablesCapacity {
  const each = Math.floor(bytes / bytesEach / kinds);
  const rules = Math.min(each, defaultCapacity.rules);
  return { addresses: each, cidrs: each, classes: each, ports: each, rules };
}

/** Elements by set. */
export type Sizes = ReadonlyMap<string, number>;

export function sizesAfter(before: Sizes, { remove, add }: Edit): Sizes {
  const sizes = new Map(before);
  const change = (set: string, by: number): void => {
    sizes.set(set, (sizes.get(set) ?? 0) + by);
  };
  for (const { set } of remove) change(set, -1);
  for (const { set } of add) change(set, 1);
  return sizes;
}

/** Throws BulkheadError DATAPATH_FULL. */
export function requireRoom(sizes: Sizes, rules: number, capacity: NftablesCapacity): void {
  if (rules > capacity.rules)
    throw new DatapathFull({ what: 'rules', capacity: capacity.rules, needed: rules });
  for (const [set, size] of sizes) {
    const what = capacityOf(set);
    if (size > capacity[what]) throw new DatapathFull({ what, capacity: capacity[what], needed: size });
  }
}

function capacityOf(set: string): keyof NftablesCapacity {
  if (set === shared.ports || set === shared.portRanges) return 'ports';
  if (set.startsWith('range')) return 'cidrs';
  return set === shared.classes || set === shared.anyone || set === shared.anyPort ? 'classes' : 'addresses';
}
