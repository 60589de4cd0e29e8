/** Who holds an address in a cluster that many events ask about. */
import type { Address } from '../objects/ip.ts';
import type { Cluster } from '../objects/model.ts';
import { isPolicyPod } from '../policy/holder.ts';
import type { Holder } from '../policy/holder.ts';

export type KnownHolder = Exclude<Holder, { kind: 'external' }>;

const known = new WeakMap<Cluster, Pick<ReadonlyMap<string, KnownHolder>, 'get'>>();

/** For a cluster that goes on changing, and whose holders somebody keeps up. */
export function keepHolders(cluster: Cluster, holders: Pick<ReadonlyMap<string, KnownHolder>, 'get'>): void {
  known.set(cluster, holders);
}

/** As holderOf of the policy model answers; undefined: nobody in the cluster. */
export function holderIn(cluster: Cluster, address: Address): KnownHolder | undefined {
  let holders = known.get(cluster);
  if (!holders) known.set(cluster, (holders = allHolders(cluster)));
  return holders.get(address.text);
}

/** Of those who claim the same address, the first counts: pods before nodes. */
function allHolders(cluster: Cluster): ReadonlyMap<string, KnownHolder> {
  const holders = new Map<string, KnownHolder>();
  const add = (holder: KnownHolder) => {
    if (!holders.has(holder.address.text)) holders.set(holder.address.text, holder);
  };
  for (const pod of cluster.pods.values()) {
    if (isPolicyPod(pod)) for (const address of pod.addresses) add({ kind: 'pod', address, pod });
  }
  for (const node of cluster.nodes.values()) {
    for (const address of node.addresses) add({ kind: 'node', address, node });
  }
  return holders;
}
