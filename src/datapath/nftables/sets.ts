/**
 * The sets and maps of our table. Where a name ends in a version, 0 or 1, there are two: packets use the one that the
 * hooks' rules lead to, changes are made in the other (docs/nftables.md). Names of one family end in 4 or 6.
 */
import type { IpFamily } from '../../objects/ip.ts';
import type { DataType, Element, SetSpec } from '../../kernel/nftables-changes.ts';

export const families = [4, 6] as const satisfies readonly IpFamily[];
export const versions = [0, 1] as const;
export type Version = (typeof versions)[number];

export function otherVersion(version: Version): Version {
  return version === 0 ? 1 : 0;
}

/** Tables of which each version has its own. */
const versioned = ['identity', 'range', 'egress', 'ingress', 'self'] as const;
export type VersionedSet = (typeof versioned)[number];

export function setName(table: VersionedSet, family: IpFamily, version: Version): string {
  return `${table}${family}-${version}`;
}

/** Tables whose entries mean the same for ever: an id stands for its content. */
export const shared = {
  /** set . identity → class */
  classes: 'classes',
  /** set → class of those that have none of their own */
  anyone: 'anyone',
  /** class . protocol . port → decision */
  ports: 'ports',
  /** class . protocol . ports → decision, of ports that have none of their own */
  portRanges: 'port-ranges',
  /** class → decision of protocols and ports that have none of their own */
  anyPort: 'any-port',
  /** decision → counter of its rule */
  rules: 'rules',
} as const;

/** One element: the version that packets use, and the number of the process that owns the table. */
export const inForce = 'in-force';

/** A word that nobody reads, and the id (steps.ts says why). */
const id = ['mark', 'mark'] as const;

const address = { 4: 'ipv4_addr', 6: 'ipv6_addr' } as const;

function addressSets(family: IpFamily, version: Version): SetSpec[] {
  const key = [address[family]];
  return [
    { name: setName('identity', family, version), key, value: id },
    { name: setName('range', family, version), key, value: id, interval: true },
    { name: setName('egress', family, version), key, value: id },
    { name: setName('ingress', family, version), key, value: id },
    { name: setName('self', family, version), key: [address[family], address[family]] },
  ];
}

function fixedSets(): FilledSet[] {
  const bytes = (name: string, type: DataType, values: readonly number[]): FilledSet => ({
    set: { name, key: [type] },
    elements: values.map((value) => ({ key: Uint8Array.of(value) })),
  });
  return [
    bytes(fixed.errors4, 'icmp_type', [3, 4, 5, 11, 12]),
    bytes(fixed.related4, 'icmp_type', [3, 11, 12]),
    bytes(fixed.hosts255, 'icmpv6_type', [133, 135, 136]),
    bytes(fixed.hosts1, 'icmpv6_type', [131, 132, 143]),
    bytes(fixed.routers, 'icmpv6_type', [134, 137]),
    bytes(fixed.headersOf8, 'inet_proto', [1, 17, 58]),
    bytes(fixed.knownHeaders, 'inet_proto', [1, 6, 17, 58, 132]),
  ];
}

/**
 * Sets that never change. ICMP types are those of RFC 792, 4861 and 3810: messages that quote a packet, those of them that
 * conntrack relates to a flow, what hosts say to their router (by hop limit), and what only routers say.
 */
export const fixed = {
  errors4: 'icmp-errors',
  related4: 'icmp-related-errors',
  hosts255: 'icmpv6-of-neighbours',
  hosts1: 'icmpv6-of-listeners',
  routers: 'icmpv6-of-routers',
  headersOf8: 'headers-of-8-bytes',
  knownHeaders: 'known-headers',
} as const;

export interface FilledSet {
  readonly set: SetSpec;
  readonly elements: readonly Element[];
}

/** All sets, those that never change with their elements. */
export function allSets(): FilledSet[] {
  const empty = (set: SetSpec): FilledSet => ({ set, elements: [] });
  const byAddress = families.flatMap((family) => versions.flatMap((version) => addressSets(family, version)));
  return [
    ...byAddress.map(empty),
    empty({ name: shared.classes, key: ['mark', 'mark'], value: id }),
    empty({ name: shared.anyone, key: ['mark'], value: id }),
    empty({
      name: shared.ports,
      key: ['mark', 'inet_proto', 'inet_service'],
      value: id,
    }),
    empty({
      name: shared.portRanges,
      key: ['mark', 'inet_proto', 'inet_service'],
      value: id,
      interval: true,
    }),
    empty({ name: shared.anyPort, key: ['mark'], value: id }),
    empty({ name: shared.rules, key: ['mark'], value: 'counter' }),
    empty({ name: inForce, key: ['mark', 'mark'] }),
    ...fixedSets(),
  ];
}

const intervalSets = new Set(allSets().flatMap(({ set: { name, interval } }) => (interval ? [name] : [])));

export function isIntervalSet(name: string): boolean {
  return intervalSets.has(name);
}
