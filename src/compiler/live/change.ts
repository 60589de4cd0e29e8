/** What happened to a cluster between two moments, as far as policies are concerned. */
import type { Cluster, Namespace, Node, Pod } from '../../objects/model.ts';
import type { Policy } from '../../policy/ir.ts';

/** Keys as in Cluster, policies by id; undefined: gone. What is as it was may be named too. */
type Changed<T> = Iterable<readonly [key: string, now: T | undefined]>;

/** Services don't appear: packets are judged when their destination is a backend already. */
export interface ClusterChange {
  readonly namespaces?: Changed<Namespace>;
  readonly nodes?: Changed<Node>;
  readonly pods?: Changed<Pod>;
  readonly policies?: Changed<Policy>;
}

export interface PolicedCluster {
  readonly cluster: Pick<Cluster, 'namespaces' | 'nodes' | 'pods'>;
  readonly policies: readonly Policy[];
}

/** Objects are compared by identity: a source that keeps what didn't change makes small changes. */
export function changeBetween(before: PolicedCluster | undefined, after: PolicedCluster): ClusterChange {
  const [old, next] = [before?.cluster, after.cluster];
  return {
    namespaces: changed(old?.namespaces, next.namespaces),
    nodes: changed(old?.nodes, next.nodes),
    pods: changed(old?.pods, next.pods),
    policies: changed(before && byId(before.policies), byId(after.policies)),
  };
}

function byId(policies: readonly Policy[]): ReadonlyMap<string, Policy> {
  return new Map(policies.map((policy) => [policy.id, policy]));
}

function changed<T>(
  old: ReadonlyMap<string, T> = new Map(),
  next: ReadonlyMap<string, T>,
): (readonly [string, T | undefined])[] {
  const gone = old.keys().filter((key) => !next.has(key));
  const come = next.entries().filter(([key, value]) => old.get(key) !== value);
  return [...gone.map((key) => [key, undefined] as const), ...come];
}
