/** Asks the API server what the nodes report and which policies there are. */
import { BulkheadError, failure } from '../errors.ts';
import { ApiError } from '../kubernetes/api-error.ts';
import { KubernetesClient, type RawObject } from '../kubernetes/client.ts';
import { findConnection, type ConnectOptions } from '../kubernetes/connect.ts';
import { listPages } from '../kubernetes/paged-list.ts';
import { networkPolicies, nodes, type Resource } from '../kubernetes/resource.ts';
import { asFields, asList, asText, type Fields } from '../kubernetes/untyped.ts';
import { statusApi } from './node-status.ts';
import type { ConditionStatus, NodePolicyStatus, RefusedPolicyStatus } from './node-status.ts';
import { rolloutReport } from './policy-rollout.ts';
import type { ListedPolicy, RolloutReport } from './policy-rollout.ts';

const statuses: Resource = { group: statusApi.group, version: statusApi.version, plural: statusApi.plural };

/** Sorted by name. @throws BulkheadError KUBERNETES_…, BULKHEAD_NOT_INSTALLED */
export async function readRollout(options: ConnectOptions): Promise<RolloutReport> {
  const client = new KubernetesClient(await findConnection(options));
  try {
    // Policies first: what a node says of itself later may be newer than they are, never older than it seems.
    const policies = await listAll(client, networkPolicies, listedPolicy);
    const names = await listAll(client, nodes, nameOf);
    const reported = new Map(
      (await listStatuses(client)).map((object) => [nameOf(object), decodeStatus(object)]),
    );
    const all = [...new Set([...names, ...reported.keys()])].toSorted();
    const listed = all.map((name) => {
      const status = reported.get(name);
      return status ? { name, status } : { name };
    });
    const sorted = policies.toSorted((a, b) => (a.key < b.key ? -1 : 1));
    return rolloutReport(listed, sorted, Date.now());
  } finally {
    client.close();
  }
}

async function listStatuses(client: KubernetesClient): Promise<RawObject[]> {
  try {
    return await listAll(client, statuses, (object) => object);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
    const message = `the cluster has no ${statusApi.plural}.${statusApi.group}`;
    const hint = 'Install Bulkhead in this cluster, or choose another one with --context or --kubeconfig.';
    throw new BulkheadError(failure('BULKHEAD_NOT_INSTALLED', message, { hint }), { cause: error });
  }
}

async function listAll<T>(
  client: KubernetesClient,
  resource: Resource,
  take: (object: RawObject) => T,
): Promise<T[]> {
  let all: T[] = [];
  await listPages(client, resource, {
    limit: 500,
    object: (object) => void all.push(take(object)),
    restart: () => {
      all = [];
    },
  });
  return all;
}

function listedPolicy(object: RawObject): ListedPolicy {
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

function nameOf(object: RawObject): string {
  return textOf(asFields(object['metadata']), 'name');
}

/** What is missing is empty; a node of which nothing can be read is then stale, never ready. */
function decodeStatus(object: RawObject): NodePolicyStatus {
  const status = asFields(object['status']);
  const number = (key: string): number => Number(status?.[key] ?? 0);
  return {
    agentVersion: textOf(status, 'agentVersion'),
    engine: textOf(status, 'engine'),
    realisedResourceVersion: textOf(status, 'realisedResourceVersion'),
    policies: number('policies'),
    localPods: number('localPods'),
    refusedPolicies: number('refusedPolicies'),
    refused: asList(status?.['refused']).map(decodeRefusal),
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
