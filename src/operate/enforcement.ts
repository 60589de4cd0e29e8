/**
 * Whether what is explained is what the kernels do now: the nodes of both ends, and the policies that decided there. A
 * policy that decides nothing today may have done so in the version that a node still enforces, so those count, too.
 */
import type { Explanation, Path } from '../analyze/explain.ts';
import type { Cluster } from '../objects/model.ts';
import type { DirectionVerdict } from '../policy/verdict.ts';
import type { NodeStateName, RolloutReport } from './policy-rollout.ts';

export interface Enforcement {
  /** Every node of both ends holds every policy as it stands. */
  readonly inForce: boolean;
  /** Those on which a pod of the question is; none where neither end is a pod. */
  readonly nodes: readonly NodeEnforcement[];
}

export interface NodeEnforcement {
  readonly node: string;
  readonly state: NodeStateName;
  /** Policies that this node does not hold as they stand. */
  readonly missing: readonly MissingPolicy[];
}

export interface MissingPolicy {
  /** `namespace/name`. */
  readonly policy: string;
  /** It is one of those that the explanation rests on. */
  readonly decides: boolean;
  readonly state: 'pending' | 'refused';
  readonly reason: string;
  /** RFC 3339; empty where nobody knows. */
  readonly since: string;
}

export function enforcementOf(
  { paths }: Explanation,
  cluster: Cluster,
  { nodes, policies }: RolloutReport,
): Enforcement {
  const deciding = decidingPolicies(paths, cluster);
  const found = [...deciding].map(([node, decides]): NodeEnforcement => {
    const state = nodes.find((one) => one.node === node)?.state ?? 'no agent';
    const missing = policies.flatMap((report): readonly MissingPolicy[] => {
      const { policy } = report;
      const here = { policy, decides: decides.has(policy) };
      const pending = report.pending.find((one) => one.node === node);
      if (pending) return [{ ...here, state: 'pending', reason: pending.reason, since: pending.since }];
      const refused = report.refused.find((one) => one.node === node);
      if (!refused) return [];
      const reason = `${refused.code}: ${refused.message}`;
      return [{ ...here, state: 'refused', reason, since: refused.since }];
    });
    // What decides comes first.
    return { node, state, missing: missing.toSorted((a, b) => Number(b.decides) - Number(a.decides)) };
  });
  const isWhole = ({ state, missing }: NodeEnforcement): boolean =>
    missing.length === 0 && (state === 'ready' || state === 'degraded');
  return { inForce: found.every(isWhole), nodes: found };
}

/** By node: the policies that its verdict rests on. Egress is judged where the source is, ingress where the destination is. */
function decidingPolicies(
  paths: readonly Path[],
  cluster: Cluster,
): ReadonlyMap<string, ReadonlySet<string>> {
  const deciding = new Map<string, Set<string>>();
  const add = (names: readonly string[], verdict: DirectionVerdict): void => {
    for (const name of names) {
      const pod = cluster.pods.get(name) ?? podAt(cluster, name);
      if (!pod || pod.hostNetwork || pod.node === '') continue;
      const known = deciding.get(pod.node) ?? new Set();
      for (const policy of groundsOf(verdict)) known.add(policy);
      deciding.set(pod.node, known);
    }
  };
  for (const { sources, destinations, verdict } of paths) {
    add(sources, verdict.egress);
    add(destinations, verdict.ingress);
  }
  return deciding;
}

function podAt({ pods }: Cluster, address: string) {
  return pods.values().find(({ addresses }) => addresses.some(({ text }) => text === address));
}

function groundsOf({ rule, isolatedBy }: DirectionVerdict): readonly string[] {
  const origins = rule ? [rule.origin] : isolatedBy;
  return origins.map(({ namespace, name }) => `${namespace}/${name}`);
}
