/** Nodes. Upstream: k8s.io/api core/v1. */
import type { Cursor } from './cursor.ts';
import { parseCidr, type Address, type Cidr } from './ip.ts';
import { decodeMetadata, type Metadata } from './metadata.ts';
import { readAddress } from './pod.ts';

const notACidr = [
  'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
  'Write an address, a slash and the length of the prefix.',
] as const;

export interface NodeManifest extends Metadata {
  readonly kind: 'Node';
  /** Its InternalIPs; else its ExternalIPs. */
  readonly addresses: readonly Address[];
  readonly podCIDRs: readonly Cidr[];
}

export function decodeNode(object: Cursor): NodeManifest {
  const metadata = decodeMetadata(object, { namespaced: false, name: 'subdomain' });
  const spec = object.object('spec');
  const list = spec?.strings('podCIDRs') ?? [];
  const single = spec?.string('podCIDR');
  const podCIDRs = list.length > 0 || !spec || !single ? list : [{ text: single, at: spec.at('podCIDR') }];
  return {
    kind: 'Node',
    ...metadata,
    addresses: decodeNodeAddresses(object.object('status')),
    podCIDRs: podCIDRs.flatMap(({ text, at }) => {
      const cidr = parseCidr(text);
      if (!cidr) at.invalid(text, ...notACidr);
      return cidr ? [cidr] : [];
    }),
  };
}

function decodeNodeAddresses(status: Cursor | undefined): Address[] {
  const all = status?.objects('addresses') ?? [];
  const ofType = (type: string): Address[] =>
    all.filter((item) => item.string('type') === type).flatMap((item) => readAddress(item, 'address'));
  const internal = ofType('InternalIP');
  return internal.length > 0 ? internal : ofType('ExternalIP');
}
