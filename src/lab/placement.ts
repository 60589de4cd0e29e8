/** Finds the network namespace that a person means. */
import { BulkheadError, failure } from '../errors.ts';
import { closest } from '../objects/suggest.ts';
import type { Placement, SnapshotResult } from './protocol.ts';

/**
 * `world`, `namespace/pod`, or a name without namespace or replica (`cart`, `shop/cart`) that fits at least one pod;
 * of replicas the first is taken. Throws BulkheadError LAB_POD_NOT_FOUND or LAB_POD_AMBIGUOUS.
 */
export function resolvePlacement(
  snapshot: Pick<SnapshotResult, 'cluster' | 'pods' | 'world'>,
  who: string,
): Placement {
  if (who === 'world') return snapshot.world;
  const exact = snapshot.pods.get(who);
  if (exact) return exact;
  const fitting = [...snapshot.cluster.pods.values()].filter((pod) => {
    const names = [pod.name, ...(pod.owner ? [pod.owner.name] : [])];
    return (
      snapshot.pods.has(pod.key) && names.some((name) => who === name || who === `${pod.namespace}/${name}`)
    );
  });
  const workloads = new Set(
    fitting.map(({ key, namespace, owner }) => (owner ? `${namespace}/${owner.name}` : key)),
  );
  const [first] = fitting;
  if (workloads.size > 1) {
    throw new BulkheadError(
      failure('LAB_POD_AMBIGUOUS', `"${who}" could be any of: ${[...workloads].join(', ')}`, {
        hint: 'Write namespace/name.',
      }),
    );
  }
  const placement = first && snapshot.pods.get(first.key);
  if (placement) return placement;
  const near = closest(who, snapshot.pods.keys());
  throw new BulkheadError(
    failure('LAB_POD_NOT_FOUND', `the lab has no running pod "${who}"`, {
      hint: near ? `Did you mean ${near}?` : '`bulkhead lab status` lists the pods.',
    }),
  );
}
