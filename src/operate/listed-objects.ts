/** What the API server says of policies and of nodes, as far as it takes to tell where a policy is in force. */
import { statusApi } from '../agent/node-status.ts';
import type { ConditionStatus, NodePolicyStatus, RefusedPolicyStatus } from '../agent/node-status.ts';
import { BulkheadError, failure } from '../errors.ts';
import { ApiError } from '../kubernetes/api-error.ts';
import type { RawObject } from '../kubernetes/client.ts';
import type { Resource } from '../kubernetes/resource.ts';
import { asFields, asList, asText, type Fields } from '../kubernetes/untyped.ts';
import type { ListedNode, ListedPolicy } from './policy-rollout.ts';

export const nodeStatuses: Resource = {
  group: statusApi.group,
  version: statusApi.version,
  plural: statusApi.plural,
};

/** What it means that the cluster has no such resource. */
export function orNotInstalled(error: unknown): unknown {
  if (!(error instanceof ApiError) || error.status !== 404) return error;
  const message = `the cluster has no ${statusApi.plural}.${statusApi.group}`;
  const hint =
    'Install Bulkhead in this cluster, or choose another one with --context or --kubeconfig. A node that had an agent enforces what it had until `bulkhead agent --uninstall`.';
  return new BulkheadError(failure('BULKHEAD_NOT_INSTALLED', message, { hint }), { cause: error });
}

export function listedPolicy(object: RawObject): ListedPolicy {
  const metadata = asFields(object['metadata']) ?? {};
  const changes = asList(metadata['managedFields']).flatMap(
    (entry) => asText(asFields(entry)?.['time']) ?? [],
  );
  return {
    key: `${textOf(metadata, 'namespace')}/${textOf(metadata, 'name')}`,
    resourceVersion: textOf(metadata, 'resourceVersion'),
    changed: changes.toSorted().at(-1) ?? textOf(metadata, 'creationTimestamp'),
  };
}

/** The nodes of the cluster, and those of which only their reports are left; sorted by name. */
export function listedNodes(
  names: Iterable<string>,
  reported: ReadonlyMap<string, NodePolicyStatus>,
): readonly ListedNode[] {
  return [...new Set([...names, ...reported.keys()])].toSorted().map((name) => {
    const status = reported.get(name);
    return status ? { name, status } : { name };
  });
}

export function nameOf(object: RawObject): string {
  return textOf(asFields(object['metadata']), 'name');
}

/** What is missing is empty; a node of which nothing can be read is then stale, never ready. */
export function decodeStatus(object: RawObject): NodePolicyStatus {
  const status = asFields(object['status']);
  const number = (key: string): number => Number(status?.[key] ?? 0);
  const agentNamespace = textOf(status, 'agentNamespace');
  const unnamedIn = asList(status?.['unnamedIn']).flatMap((name) => asText(name) ?? []);
  return {
    agentVersion: textOf(status, 'agentVersion'),
    engine: textOf(status, 'engine'),
    ...(agentNamespace === '' ? {} : { agentNamespace }),
    realisedResourceVersion: textOf(status, 'realisedResourceVersion'),
    policies: number('policies'),
    localPods: number('localPods'),
    refusedPolicies: number('refusedPolicies'),
    refused: asList(status?.['refused']).map(decodeRefusal),
    ...(unnamedIn.length > 0 ? { unnamedIn } : {}),
    conditions: asList(status?.['conditions']).map(decodeCondition),
    heartbeat: textOf(status, 'heartbeat'),
  };
}

function decodeRefusal(value: unknown): RefusedPolicyStatus {
  const fields = asFields(value);
  return {
    policy: textOf(fields, 'policy'),
    code: textOf(fields, 'code'),
    message: textOf(fields, 'message'),
    enforced: fields?.['enforced'] === 'previous' ? 'previous' : 'closed',
    since: textOf(fields, 'since'),
  };
}

function decodeCondition(value: unknown): ConditionStatus {
  const fields = asFields(value);
  return {
    type: textOf(fields, 'type'),
    status: fields?.['status'] === 'True' ? 'True' : 'False',
    reason: textOf(fields, 'reason'),
    message: textOf(fields, 'message'),
    lastTransitionTime: textOf(fields, 'lastTransitionTime'),
  };
}

function textOf(fields: Fields | undefined, key: string): string {
  return asText(fields?.[key]) ?? '';
}
