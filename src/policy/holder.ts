/** Who holds an address: a pod, a node, or nobody that the cluster knows. */
import type { Address } from '../objects/ip.ts';
import type { Cluster, Node, Pod } from '../objects/model.ts';

export type Holder =
  | { readonly kind: 'pod'; readonly address: Address; readonly pod: Pod }
  | { readonly kind: 'node'; readonly address: Address; readonly node: Node }
  | { readonly kind: 'external'; readonly address: Address };

/** Subject or peer of pod selectors: has its own address and still runs. hostNetwork pods are their node instead. */
export function isPolicyPod(pod: Pod): boolean {
  return !pod.hostNetwork && pod.phase !== 'Succeeded' && pod.phase !== 'Failed';
}

/**
 * Where the API server gives an address to several pods, the first in this order has it. The node takes an address from a
 * pod that ends, and gives it to the next, before the API server hears of it: so pods that are being deleted come last.
 * Among others it is a mistake; all nodes then agree on one, by name.
 */
export function compareClaims(a: Pod, b: Pod): number {
  return Number(a.isEnding ?? false) - Number(b.isEnding ?? false) || (a.key < b.key ? -1 : 1);
}

/** The first of its claimants: pods before nodes. */
export function holderOf(cluster: Cluster, address: Address): Holder {
  return claimantsOf(cluster, address)[0] ?? { kind: 'external', address };
}

/**
 * Everybody who has the address, the holder first. Manifests that give it to two are refused; an API server does so for a
 * while where it is given again.
 */
export function claimantsOf(cluster: Cluster, address: Address): readonly Holder[] {
  const holds = (held: { readonly addresses: readonly Address[] }) =>
    held.addresses.some((candidate) => candidate.text === address.text);
  const pods = cluster.pods.values().filter((pod) => holds(pod) && isPolicyPod(pod));
  const nodes = cluster.nodes.values().filter(holds);
  return [
    ...[...pods].sort(compareClaims).map((pod) => ({ kind: 'pod', address, pod }) as const),
    ...[...nodes]
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map((node) => ({ kind: 'node', address, node }) as const),
  ];
}
