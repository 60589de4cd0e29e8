/** Which nodes a change takes away, and which it makes (a node with other addresses is another node). Pure. */
import type { IpFamily } from '../objects/ip.ts';
import type { Cluster, Node } from '../objects/model.ts';

export interface NodeChanges {
  readonly retired: readonly string[];
  readonly fresh: readonly string[];
}

export function nodeChanges(before: Cluster, after: Cluster): NodeChanges {
  const stays = (name: string) => sameAddresses(before.nodes.get(name), after.nodes.get(name));
  return {
    retired: [...before.nodes.keys()].filter((name) => !stays(name)),
    fresh: [...after.nodes.keys()].filter((name) => !stays(name)),
  };
}

/** What a lab is before it is up. */
export function emptyCluster(families: readonly IpFamily[]): Cluster {
  return {
    namespaces: new Map(),
    nodes: new Map(),
    pods: new Map(),
    services: new Map(),
    endpoints: [],
    networkPolicies: new Map(),
    families,
  };
}

/** The cluster without some nodes and their pods. */
export function withoutNodes(cluster: Cluster, names: readonly string[]): Cluster {
  const gone = new Set(names);
  return {
    ...cluster,
    nodes: new Map([...cluster.nodes].filter(([name]) => !gone.has(name))),
    pods: new Map([...cluster.pods].filter(([, pod]) => !gone.has(pod.node))),
  };
}

/**
 * The cluster without the pods that take over an address another pod has now. Bringing that about first ends the old
 * pod before its address gets the rights of the new one. Usually there are none and the cluster itself is returned.
 */
export function withoutHeirs(before: Cluster, after: Cluster): Cluster {
  const holders = new Map(
    [...before.pods.values()].flatMap((pod) => pod.addresses.map((address) => [address.text, pod.key])),
  );
  const heirs = [...after.pods.values()].filter(
    (pod) => !pod.hostNetwork && pod.addresses.some(({ text }) => (holders.get(text) ?? pod.key) !== pod.key),
  );
  if (heirs.length === 0) return after;
  const keys = new Set(heirs.map((pod) => pod.key));
  return { ...after, pods: new Map([...after.pods].filter(([key]) => !keys.has(key))) };
}

function sameAddresses(a: Node | undefined, b: Node | undefined): boolean {
  const texts = (node: Node | undefined) => node?.addresses.map(({ text }) => text).join(' ');
  return texts(a) === texts(b);
}
