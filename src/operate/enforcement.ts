/**
 * Whether what is explained is what the kernels do now: the nodes of both ends, and the policies that decided there. A
 * policy that decides nothing today may have done so in the version that a node still enforces, so those count, too.
 */
import type { Explanation, Path } from '../analyze/explain.ts';
import { parseAddress } from '../objects/ip.ts';
import type { Cluster, Pod } from '../objects/model.ts';
import { holderOf } from '../policy/holder.ts';
import type { DirectionVerdict } from '../policy/verdict.ts';
import type { NodeStateName, RolloutReport } from './policy-rollout.ts';

export interface Enforcement {
  /** Every node of both ends holds every policy as it stands, or those that it does not can't change this verdict. */
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
  /**
   * Of a refused one, what the node has in its place. One that only closes its pods allows nothing and isolates whom it
   * isolates as it stands: where it does not decide it changes nothing.
   */
  readonly enforced?: 'previous' | 'closed';
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
      const { enforced, since } = refused;
      return [{ ...here, state: 'refused', reason, enforced, since }];
    });
    // What decides comes first.
    return { node, state, missing: missing.toSorted((a, b) => Number(b.decides) - Number(a.decides)) };
  });
  const isWhole = ({ state, missing }: NodeEnforcement): boolean =>
    missing.every(changesNothing) && (state === 'ready' || state === 'degraded');
  return { inForce: found.every(isWhole), nodes: found };
}

export function changesNothing({ decides, enforced }: MissingPolicy): boolean {
  return !decides && enforced === 'closed';
}

/** By node: the policies that its verdict rests on. Egress is judged where the source is, ingress where the destination is. */
function decidingPolicies(
  paths: readonly Path[],
  cluster: Cluster,
): ReadonlyMap<string, ReadonlySet<string>> {
  const deciding = new Map<string, Set<string>>();
  const add = (names: readonly string[], verdict: DirectionVerdict): void => {
    for (const pod of names.flatMap((name) => holdersOf(cluster, name))) {
      if (pod.node === '') continue;
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

/** The pods that are judged for a pod or an address: of a pod that is being deleted, others may have the addresses by now. */
function holdersOf(cluster: Cluster, name: string): readonly Pod[] {
  const address = parseAddress(name);
  const addresses = cluster.pods.get(name)?.addresses ?? (address ? [address] : []);
  return addresses.flatMap((one) => {
    const holder = holderOf(cluster, one);
    return holder.kind === 'pod' ? [holder.pod] : [];
  });
}

function groundsOf({ rule, isolatedBy }: DirectionVerdict): readonly string[] {
  const origins = rule ? [rule.origin] : isolatedBy;
  return origins.map(({ namespace, name }) => `${namespace}/${name}`);
}
