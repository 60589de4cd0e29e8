/**
 * What a node enforces, as an object of the API server: `NodePolicyStatus`, one per node, named for it. It says up to
 * which resourceVersion of the cluster's NetworkPolicies the node's kernel holds everything, and which policies it
 * does not hold as they stand. So its size does not grow with the policies, and whoever reads a policy and these
 * objects knows where the policy is in force.
 */
import type { Condition, ConditionName } from './health.ts';
import type { Refusal } from './refused-policy.ts';
import { namespaceOf } from './room.ts';

export const statusApi = {
  group: 'bulkhead.io',
  version: 'v1alpha1',
  plural: 'nodepolicystatuses',
  kind: 'NodePolicyStatus',
} as const;

export interface RefusedPolicyStatus {
  /** `namespace/name`. */
  readonly policy: string;
  readonly code: string;
  readonly message: string;
  /** What holds in its place. */
  readonly enforced: Refusal['enforced'];
  /** RFC 3339. */
  readonly since: string;
}

export interface ConditionStatus {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
}

export interface NodePolicyStatus {
  readonly agentVersion: string;
  readonly engine: string;
  /** Of the pod in which the agent runs; absent: it runs in none, or does not know. */
  readonly agentNamespace?: string;
  /** The kernel holds every NetworkPolicy up to here, but for those that are refused. Empty: none yet. */
  readonly realisedResourceVersion: string;
  readonly policies: number;
  readonly localPods: number;
  /** How many; `refused` may name fewer. */
  readonly refusedPolicies: number;
  readonly refused: readonly RefusedPolicyStatus[];
  /** Namespaces of which `refused` does not name all; absent: there is none. */
  readonly unnamedIn?: readonly string[];
  readonly conditions: readonly ConditionStatus[];
  /** RFC 3339: the agent was alive then; it says so once a minute. */
  readonly heartbeat: string;
}

/** At most so many are named, so that the object stays small. */
export const refusedLimit = 500;

export interface NodeState {
  readonly agentVersion: string;
  readonly engine: string;
  readonly agentNamespace: string | undefined;
  readonly realisedResourceVersion: string;
  readonly policies: number;
  readonly localPods: number;
  /** By id of the policy. */
  readonly refusals: ReadonlyMap<string, Refusal>;
  readonly conditions: ReadonlyMap<ConditionName, Condition>;
}

export function nodePolicyStatus(state: NodeState, now: Date): NodePolicyStatus {
  const { refusals, conditions, agentNamespace, ...rest } = state;
  const inOrder = fewestFirst(refusals);
  const unnamed = inOrder.slice(refusedLimit).map(([id]) => namespaceOf(id));
  return {
    ...rest,
    ...(agentNamespace === undefined ? {} : { agentNamespace }),
    refusedPolicies: refusals.size,
    refused: inOrder.slice(0, refusedLimit).map(([id, { code, message, enforced, since }]) => ({
      policy: id.slice(id.indexOf('/') + 1),
      code,
      message,
      enforced,
      since: new Date(since).toISOString(),
    })),
    ...(unnamed.length > 0 ? { unnamedIn: [...new Set(unnamed)] } : {}),
    conditions: [...conditions].map(([name, { ok, reason, message, since }]) => ({
      type: `${name.charAt(0).toUpperCase()}${name.slice(1)}`,
      status: ok ? 'True' : 'False',
      reason,
      message,
      lastTransitionTime: new Date(since).toISOString(),
    })),
    heartbeat: now.toISOString(),
  };
}

/** Namespaces with few refusals come first: one with hundreds must not hide those of others. */
function fewestFirst(refusals: NodeState['refusals']): readonly (readonly [id: string, refusal: Refusal])[] {
  const namespaces = Map.groupBy(refusals, ([id]) => namespaceOf(id));
  return [...namespaces.values()].toSorted((a, b) => a.length - b.length).flat();
}
