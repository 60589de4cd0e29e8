/**
 * The small world in which generated clusters live: few names, so that everything collides, and addresses chosen so
 * that blocks and excepts cut through pods, nodes and the outside alike.
 */
import { parseAddress, parseCidr } from '../../src/objects/ip.ts';
import type { Address, Cidr, IpFamily } from '../../src/objects/ip.ts';
import type { Labels, Node } from '../../src/objects/model.ts';

export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (!parsed) throw new Error(`not an address: ${text}`);
  return parsed;
}

export function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  if (!parsed) throw new Error(`not a prefix: ${text}`);
  return parsed;
}

export const namespaceNames = ['a', 'b', 'c'] as const;

/** `constructor` is a valid label key that every plain object seems to have. */
export const labelKeys = ['app', 'tier', 'constructor'] as const;
/** The empty value is valid and differs from an absent key. */
export const labelValues = ['x', 'y', ''] as const;

export const portNames = ['web', 'dns'] as const;
export const portNumbers = [80, 81, 8080, 1, 65535, 53] as const;

/** Pods take the address of their slot on their node. */
export const podSlots = 8;

interface NodeRange {
  readonly name: 'n1' | 'n2';
  readonly addresses: readonly string[];
  readonly pods: readonly string[];
}

const nodeRanges: readonly NodeRange[] = [
  { name: 'n1', addresses: ['10.0.0.1', 'fd00::1'], pods: ['10.244.1.0/24', 'fd00:244:1::/64'] },
  { name: 'n2', addresses: ['10.0.0.2', 'fd00::2'], pods: ['10.244.2.0/24', 'fd00:244:2::/64'] },
];

export const nodeNames = nodeRanges.map(({ name }) => name);

export function makeNodes(families: readonly IpFamily[]): ReadonlyMap<string, Node> {
  const here = (held: { readonly family: IpFamily }) => families.includes(held.family);
  return new Map(
    nodeRanges.map(({ name, addresses, pods }) => {
      const labels: Labels = { 'kubernetes.io/hostname': name };
      const node: Node = {
        name,
        labels,
        addresses: addresses.map(address).filter(here),
        podCIDRs: pods.map(cidr).filter(here),
      };
      return [name, node];
    }),
  );
}

export function podAddress(node: string, slot: number, family: IpFamily): Address {
  const host = slot + 1;
  const range = node === 'n1' ? 1 : 2;
  return address(family === 4 ? `10.244.${range}.${host}` : `fd00:244:${range}::${host.toString(16)}`);
}

/** Blocks and excepts are drawn from these; the simplest first, so that failures shrink to them. */
export const blocks: readonly Cidr[] = [
  '0.0.0.0/0',
  '203.0.113.0/24',
  '203.0.113.128/25',
  '203.0.113.7/32',
  '10.0.0.0/8',
  '10.0.0.0/30',
  '10.0.0.1/32',
  '10.244.0.0/16',
  '10.244.1.0/24',
  '10.244.1.0/30',
  '10.244.1.1/32',
  '10.244.2.2/32',
  '::/0',
  '2001:db8::/32',
  '2001:db8:1::/48',
  '2001:db8:1::7/128',
  'fd00::/16',
  'fd00::/126',
  'fd00::1/128',
  'fd00:244:1::/64',
  'fd00:244:1::1/128',
].map(cidr);

/** Held by nobody. The last of each family lies in a node's pod range. */
export const outsideAddresses: readonly Address[] = [
  '198.51.100.1',
  '203.0.113.6',
  '203.0.113.7',
  '203.0.113.128',
  '10.0.0.3',
  '10.9.9.9',
  '10.244.1.200',
  '2001:db8:ffff::1',
  '2001:db8:1::7',
  '2a00::1',
  'fd00::3',
  'fd00:244:1::c8',
].map(address);
