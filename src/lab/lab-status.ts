/** Numbers about a running lab. */
import type { Enforcer } from '../agent/enforcer.ts';
import type { Counter } from '../datapath/datapath.ts';
import type { Cluster, Node } from '../objects/model.ts';
import type { NodeStatus, Totals } from './protocol.ts';

export function totalsOf(cluster: Cluster): Totals {
  return {
    nodes: cluster.nodes.size,
    pods: cluster.pods.size,
    services: cluster.services.size,
    policies: cluster.networkPolicies.size,
  };
}

export function nodeStatus(node: Node, cluster: Cluster, enforcer: Enforcer): NodeStatus {
  const tables = enforcer.tables(node.name);
  const counters = enforcer.datapaths.get(node.name)?.counters();
  const reasons = Object.values(counters?.reasons ?? {});
  const packets = (counts: readonly Counter[]) =>
    counts.reduce((sum, count) => sum + Number(count.packets), 0);
  return {
    name: node.name,
    addresses: node.addresses.map(({ text }) => text),
    podCIDRs: node.podCIDRs.map(({ text }) => text),
    pods: cluster.pods
      .values()
      .filter((pod) => pod.node === node.name)
      .toArray().length,
    tables: {
      addresses: tables?.addresses.size ?? 0,
      cidrs: tables?.cidrs.size ?? 0,
      classes: tables?.classes.size ?? 0,
      ports: tables?.ports.size ?? 0,
    },
    allowed: packets(reasons.map(({ allowed }) => allowed)),
    denied: packets(reasons.map(({ denied }) => denied)),
    lostEvents: Number(counters?.lostEvents ?? 0n),
  };
}
