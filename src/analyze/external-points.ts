/**
 * Addresses that stand for everything outside the cluster. Policies can tell outside addresses apart only by the
 * ipBlocks and excepts that contain them, so one address per block (and except), taken where no narrower one reaches,
 * is enough; and `internet`, which no block but /0 contains.
 */
import { addressWidth, makeCidr, parseCidr } from '../objects/ip.ts';
import type { Address, Cidr } from '../objects/ip.ts';
import type { Cluster } from '../objects/model.ts';
import type { Policy } from '../policy/ir.ts';
import { freeAddress } from './free-address.ts';
import { compareCidrs, PrefixOrder } from './prefix-order.ts';

export interface ExternalRange {
  /** `internet`, or the canonical text of the block. */
  readonly id: string;
  /** Absent for `internet`. */
  readonly cidr?: Cidr;
  /** For `internet` one per family of the cluster, else one. */
  readonly addresses: readonly Address[];
}

/** For documentation and benchmarks (RFC 5737, 2544, 3849), so that no real host is named; then any. */
const internetRanges = cidrs(
  '198.51.100.0/24 203.0.113.0/24 192.0.2.0/24 198.18.0.0/15 1.0.0.0/8 0.0.0.0/0 2001:db8::/32 2000::/3',
);

/** Nobody out there: "this network", loopback, multicast, reserved, and IPv6 link-local, which no router forwards. */
const unroutable = cidrs('0.0.0.0/8 127.0.0.0/8 224.0.0.0/3 ::/8 fe80::/10 ff00::/8');

/** Nobody out there unless a block says so, as those do that name a cloud's metadata service, 169.254.169.254. */
const linkLocal = cidrs('169.254.0.0/16');

/** `internet` first, then by address. A block that lies wholly inside the cluster stands for nothing outside. */
export function externalRanges(cluster: Cluster, policies: readonly Policy[]): readonly ExternalRange[] {
  const blocks = blocksOf(policies).filter(
    (cidr) => cidr.prefixLength > 0 && cluster.families.includes(cidr.family),
  );
  const claimed = [...clusterRanges(cluster), ...unroutable];
  const notOutside = new PrefixOrder(claimed);
  const all = new PrefixOrder([...blocks, ...claimed, ...linkLocal]);
  const internet = cluster.families.flatMap((family) => {
    const ranges = internetRanges.values().filter((range) => range.family === family && !all.covers(range));
    return (
      ranges.map((range) => freeAddress(range, all.inside(range))).find((address) => address !== undefined) ??
      []
    );
  });
  const ranges = blocks.flatMap((cidr) => {
    const address = notOutside.covers(cidr) ? undefined : freeAddress(cidr, all.inside(cidr));
    return address ? [{ id: cidr.text, cidr, addresses: [address] }] : [];
  });
  return [...(internet.length > 0 ? [{ id: 'internet', addresses: internet }] : []), ...ranges];
}

/** All blocks and excepts, each once, by address, wider before narrower. */
function blocksOf(policies: readonly Policy[]): readonly Cidr[] {
  const peers = policies
    .flatMap((policy) => [policy.ingress, policy.egress])
    .flatMap((section) => section?.rules ?? [])
    .flatMap((rule) => (rule.peers === 'any' ? [] : rule.peers));
  const all = peers.flatMap((peer) => (peer.kind === 'ipBlock' ? [peer.cidr, ...peer.except] : []));
  return [...new Map(all.map((cidr) => [cidr.text, cidr])).values()].toSorted(compareCidrs);
}

/** Whatever the cluster has or gives to pods, nodes and Services. */
function clusterRanges(cluster: Cluster): readonly Cidr[] {
  const nodes = [...cluster.nodes.values()];
  const held = [
    ...[...cluster.pods.values(), ...nodes].flatMap(({ addresses }) => addresses),
    ...[...cluster.services.values()].flatMap(({ clusterIPs }) => clusterIPs),
  ];
  return [
    ...nodes.flatMap((node) => node.podCIDRs),
    ...held.map(({ family, bits }) => makeCidr(family, bits, addressWidth(family))),
  ];
}

function cidrs(texts: string): readonly Cidr[] {
  return texts.split(' ').flatMap((text) => parseCidr(text) ?? []);
}
