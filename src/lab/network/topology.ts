/**
 * The network that a lab should have, as plain data.
 *
 * It is a tree of routers, as a pure layer 3 CNI makes it: `world` routes between nodes, every node routes to its
 * pods, and each child hangs on its parent by one veth pair. A child has host addresses (/32, /128) only, reaches
 * everything by a link-local gateway, and the parent has one route per address. So addresses need not be ordered in
 * any way: a pod may have an address outside its node's podCIDR, and an address nobody has is unreachable, not a loop.
 */
import type { Address, IpFamily } from '../../objects/ip.ts';
import type { Cluster } from '../../objects/model.ts';
import { loopbackAddress, routeBehind } from './ip-commands.ts';
import { interfaceName, nodeNetns, podNetns, worldNetns } from './names.ts';
import { serviceRules } from './services.ts';

/** One namespace and how it hangs on its parent. Plain JSON; prefixes are text such as `10.0.0.1/32`. */
export interface Place {
  /** Name of the namespace; unique in a topology. */
  readonly netns: string;
  readonly role: 'world' | 'node' | 'pod';
  /** The veth pair to the parent; absent for the world. */
  readonly link?: Link;
  /**
   * What can be set and unset one by one while the link stays: the world's addresses, and the routes to a node's pods
   * (in the parent's namespace). `ip` lines without their verb, see ip-commands.ts.
   */
  readonly settings: { readonly netns: string; readonly lines: readonly string[] };
  /** Text of /etc/resolv.conf inside; empty: none. */
  readonly resolver: string;
  /** nft ruleset of a node: what kube-proxy would load. Empty: none. */
  readonly rules: string;
}

export interface Link {
  /** Name of the parent's namespace. */
  readonly parent: string;
  /** The parent's end; the child's end is `eth0`. */
  readonly interface: string;
  /** For people, shown by `ip link`: the node's name or `namespace/pod`. */
  readonly alias: string;
  /** Host prefixes on eth0. */
  readonly addresses: readonly string[];
  /** What the link carries: the cluster's families. */
  readonly families: readonly IpFamily[];
}

/** Places of one lab; parents come before their children. */
export type Topology = readonly Place[];

/** `external` are the addresses outside the cluster that the world answers for; those no host can have are left out. */
export function topologyOf(lab: string, cluster: Cluster, external: readonly Address[]): Topology {
  const pods = [...cluster.pods.values()].filter((pod) => !pod.hostNetwork && pod.addresses.length > 0);
  const podsByNode = Map.groupBy(pods, (pod) => pod.node);
  const { families } = cluster;
  const outside = new Set(external.filter(isAssignable).map(hostPrefix));
  const world: Place = {
    netns: worldNetns(lab),
    role: 'world',
    settings: { netns: worldNetns(lab), lines: [...outside].map(loopbackAddress) },
    resolver: '',
    rules: '',
  };
  const nodes = [...cluster.nodes.values()].map((node): Place => {
    const netns = nodeNetns(lab, node.name);
    const link: Link = {
      parent: world.netns,
      interface: interfaceName(netns),
      alias: node.name,
      addresses: node.addresses.map(hostPrefix),
      families,
    };
    const behind = (podsByNode.get(node.name) ?? []).flatMap((pod) => pod.addresses.map(hostPrefix));
    return {
      netns,
      role: 'node',
      link,
      settings: { netns: link.parent, lines: behind.map((prefix) => routeBehind(prefix, link.interface)) },
      resolver: nodeResolver,
      rules: serviceRules(cluster, node),
    };
  });
  const nameservers = cluster.services.get('kube-system/kube-dns')?.clusterIPs ?? [];
  const leaves = pods.map((pod): Place => {
    const netns = podNetns(lab, pod);
    const link: Link = {
      parent: nodeNetns(lab, pod.node),
      interface: interfaceName(netns),
      alias: pod.key,
      addresses: pod.addresses.map(hostPrefix),
      families,
    };
    return {
      netns,
      role: 'pod',
      link,
      settings: { netns: link.parent, lines: [] },
      resolver: podResolver(pod.namespace, nameservers),
      rules: '',
    };
  });
  return [world, ...nodes, ...leaves];
}

/**
 * Whether the world can have the address: routers forward neither "this host", loopback, multicast, reserved, nor IPv6
 * link-local addresses. IPv4 link-local ones are fine: that of a cloud's metadata service is one.
 */
export function isAssignable(address: Address): boolean {
  return !unassignable[address.family].some(([bits, length]) => {
    const shift = BigInt((address.family === 4 ? 32 : 128) - length);
    return address.bits >> shift === bits >> shift;
  });
}

const unassignable: Readonly<Record<IpFamily, readonly (readonly [bits: bigint, prefixLength: number])[]>> = {
  4: [
    [0x00000000n, 8],
    [0x7f000000n, 8],
    [0xe0000000n, 3],
  ],
  // ::/127 holds the unspecified and the loopback address.
  6: [
    [0n, 127],
    [0xfe80n << 112n, 10],
    [0xff00n << 112n, 8],
  ],
};

/** As the kubelet writes it for `dnsPolicy: ClusterFirst`, with the default cluster domain. */
function podResolver(namespace: string, nameservers: readonly Address[]): string {
  const domain = 'cluster.local';
  return [
    ...nameservers.map((address) => `nameserver ${address.text}`),
    `search ${namespace}.svc.${domain} svc.${domain} ${domain}`,
    'options ndots:5',
    '',
  ].join('\n');
}

/** Nodes have the resolver of their site, not the cluster's (and hostNetwork pods have their node's). */
const nodeResolver = '# The nodes of a lab have no resolver.\n';

function hostPrefix(address: Address): string {
  return `${address.text}/${address.family === 4 ? 32 : 128}`;
}
