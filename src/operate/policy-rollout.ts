/** Where which policy is in force: the cluster's policies held against what each node says of itself. */
import { compareResourceVersions } from '../kubernetes/resource-version.ts';
import { refusedLimit } from '../agent/node-status.ts';
import type { NodePolicyStatus, RefusedPolicyStatus } from '../agent/node-status.ts';
import type { AgentTrouble } from './agent-trouble.ts';

/** An agent that has said nothing for so long (it does once a minute) may enforce something else by now. */
export const staleAfterMs = 180_000;

export interface ListedPolicy {
  /** `namespace/name`. */
  readonly key: string;
  readonly resourceVersion: string;
  /** RFC 3339: when it last changed, as far as the API server tells. */
  readonly changed: string;
}

export interface ListedNode {
  readonly name: string;
  /** Absent: no agent has ever reported from it. */
  readonly status?: NodePolicyStatus;
  /** What the API server knows of its agent's pod; absent: nothing, or that it is well. */
  readonly agent?: AgentTrouble;
}

/** `degraded` enforces, and says that something is wrong; of a `stale` one nobody knows. */
export type NodeStateName = 'ready' | 'starting' | 'degraded' | 'stale' | 'no agent';

export interface NodeReport {
  readonly node: string;
  readonly state: NodeStateName;
  readonly engine?: string;
  readonly agentVersion?: string;
  readonly localPods?: number;
  readonly realised: number;
  readonly pending: number;
  readonly refused: number;
  /** RFC 3339: since when it is in this state; absent where nobody knows. */
  readonly since?: string;
  /** What is wrong, in words; empty where nothing is. */
  readonly problems: readonly string[];
}

export interface PolicyReport {
  readonly policy: string;
  /** Names of nodes. */
  readonly realised: readonly string[];
  readonly pending: readonly { readonly node: string; readonly reason: string; readonly since: string }[];
  readonly refused: readonly (Omit<RefusedPolicyStatus, 'policy'> & { readonly node: string })[];
}

export interface RolloutReport {
  /** Every policy is in force on every node, and no node has anything to complain of. */
  readonly ok: boolean;
  readonly nodes: readonly NodeReport[];
  readonly policies: readonly PolicyReport[];
}

/** `now` in milliseconds since the epoch. */
export function rolloutReport(
  nodes: readonly ListedNode[],
  policies: readonly ListedPolicy[],
  now: number,
): RolloutReport {
  const states = statesOf(nodes, now);
  const reports = policies.map((policy) => policyReport(policy, states));
  const nodeReports = nodes.map((node) => nodeReport(node, states.get(node) ?? 'stale', reports));
  return {
    ok: nodeReports.every(({ state, pending, refused }) => state === 'ready' && pending + refused === 0),
    nodes: nodeReports,
    policies: reports,
  };
}

/** Of some policies only. */
export function policyReports(
  nodes: readonly ListedNode[],
  policies: readonly ListedPolicy[],
  now: number,
): readonly PolicyReport[] {
  const states = statesOf(nodes, now);
  return policies.map((policy) => policyReport(policy, states));
}

function statesOf(nodes: readonly ListedNode[], now: number): ReadonlyMap<ListedNode, NodeStateName> {
  return new Map(nodes.map((node) => [node, stateOf(node, now)]));
}

function stateOf({ status, agent }: ListedNode, now: number): NodeStateName {
  if (!status) return 'no agent';
  // A heartbeat that can't be read is as good as none.
  if (!(now - Date.parse(status.heartbeat) < staleAfterMs) || agent?.isSilent === true) return 'stale';
  if (status.realisedResourceVersion === '') return 'starting';
  return agent || status.conditions.some(({ status: value }) => value === 'False') ? 'degraded' : 'ready';
}

function silence({ heartbeat }: NodePolicyStatus, agent: AgentTrouble | undefined): string {
  return agent?.isSilent === true
    ? `${agent.text}; it last said something at ${heartbeat}`
    : `the agent has said nothing since ${heartbeat}`;
}

function policyReport(policy: ListedPolicy, states: ReadonlyMap<ListedNode, NodeStateName>): PolicyReport {
  const realised: string[] = [];
  const pending: PolicyReport['pending'][number][] = [];
  const refused: PolicyReport['refused'][number][] = [];
  for (const [node, state] of states) {
    const refusal = node.status?.refused.find((one) => one.policy === policy.key);
    const reason = missingReason(policy, node, state);
    if (reason !== undefined) {
      pending.push({ node: node.name, reason, since: policy.changed });
    } else if (refusal) {
      const { code, message, enforced, since } = refusal;
      refused.push({ node: node.name, code, message, enforced, since });
    } else {
      realised.push(node.name);
    }
  }
  return { policy: policy.key, realised, pending, refused };
}

/** Why nobody can say that the node's kernel has taken this version, or refused it. */
function missingReason(
  policy: ListedPolicy,
  { status, agent }: ListedNode,
  state: NodeStateName,
): string | undefined {
  if (!status) return 'no agent on this node';
  if (state === 'stale') return silence(status, agent);
  if (state === 'starting') return 'the agent has not read the cluster yet';
  const order = compareResourceVersions(status.realisedResourceVersion, policy.resourceVersion);
  if (order === undefined || order < 0) return 'not in the kernel yet';
  return mayBeUnnamed(policy, status) ? 'the node refuses more policies than it names' : undefined;
}

/** Agents of before did not say of whom they name not all. */
function mayBeUnnamed(
  { key }: ListedPolicy,
  { refused, refusedPolicies, unnamedIn }: NodePolicyStatus,
): boolean {
  if (refused.some(({ policy }) => policy === key)) return false;
  if (unnamedIn) return unnamedIn.includes(key.slice(0, key.indexOf('/')));
  return refused.length >= refusedLimit && refused.length !== refusedPolicies;
}

function nodeReport(
  { name, status, agent }: ListedNode,
  state: NodeStateName,
  policies: readonly PolicyReport[],
): NodeReport {
  const has = (list: readonly { readonly node: string }[]): boolean => list.some(({ node }) => node === name);
  const counts = {
    realised: policies.filter(({ realised }) => realised.includes(name)).length,
    pending: policies.filter(({ pending }) => has(pending)).length,
    refused: policies.filter(({ refused }) => has(refused)).length,
  };
  if (!status) {
    return {
      node: name,
      state,
      ...counts,
      problems: [
        'no agent reports from this node: nothing is known to be enforced',
        ...(agent ? [agent.text] : []),
      ],
    };
  }
  const wrong = status.conditions.filter(({ status: value }) => value === 'False');
  const since = sinceOf(status, state);
  const { engine, agentVersion, localPods } = status;
  return {
    node: name,
    state,
    engine,
    agentVersion,
    localPods,
    ...counts,
    ...(since === undefined ? {} : { since }),
    problems: [
      ...(state === 'stale' ? [silence(status, agent)] : []),
      ...(agent?.isSilent === false ? [agent.text] : []),
      ...wrong.map(({ type, reason, message }) => `${type}: ${reason}: ${message}`),
    ],
  };
}

/** A degraded node is so since its oldest trouble, a ready one since its last recovery. */
function sinceOf({ conditions, heartbeat }: NodePolicyStatus, state: NodeStateName): string | undefined {
  if (state === 'stale') return heartbeat;
  const times = conditions
    .filter(({ status }) => state !== 'degraded' || status === 'False')
    .map(({ lastTransitionTime }) => lastTransitionTime)
    .toSorted();
  return state === 'degraded' ? times[0] : times.at(-1);
}
