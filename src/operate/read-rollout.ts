/** Asks the API server what the nodes report and which policies there are. */
import type { KubernetesClient, RawObject } from '../kubernetes/client.ts';
import { listAll } from '../kubernetes/paged-list.ts';
import { namespaces, networkPolicies, nodes } from '../kubernetes/resource.ts';
import type { AgentPod } from './agent-pods.ts';
import { agentPodsIn, agentTrouble } from './agent-trouble.ts';
import {
  decodeStatus,
  listedNodes,
  listedPolicy,
  nameOf,
  nodeStatuses,
  orNotInstalled,
} from './listed-objects.ts';
import { rolloutReport } from './policy-rollout.ts';
import type { ListedNode, RolloutReport } from './policy-rollout.ts';

/**
 * Sorted by name. `namespace`: of the policies; a name that no namespace has is KUBERNETES_NOT_FOUND.
 * @throws BulkheadError KUBERNETES_…, BULKHEAD_NOT_INSTALLED
 */
export async function readRollout(client: KubernetesClient, namespace?: string): Promise<RolloutReport> {
  // Policies first: what a node says of itself later may be newer than they are, never older than it seems.
  const place = namespace === undefined ? {} : { namespace };
  const policies = await listAll(client, networkPolicies, listedPolicy, place);
  // The list of a namespace that does not exist is empty, and that is no answer for who has mistyped it.
  if (namespace !== undefined && policies.items.length === 0)
    await client.get(namespaces, { name: namespace });
  const names = await listAll(client, nodes, nameOf);
  const reported = await readStatuses(client);
  const sorted = policies.items.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  const listed = await withAgents(client, listedNodes(names.items, reported));
  return rolloutReport(listed, sorted, Date.now());
}

/** Of agents that say that they run in a pod, where their pods may be listed. */
async function withAgents(
  client: KubernetesClient,
  listed: readonly ListedNode[],
): Promise<readonly ListedNode[]> {
  const places = new Set(listed.flatMap(({ status }) => status?.agentNamespace ?? []));
  const found = new Map<string, ReadonlyMap<string, readonly AgentPod[]>>();
  for (const place of places) {
    const byNode = await agentPodsIn(client, place);
    if (byNode) found.set(place, byNode);
  }
  return listed.map((node) => {
    const { name, status } = node;
    // One that never reported may have a pod that never ran.
    const byNode = status
      ? found.get(status.agentNamespace ?? '')
      : found.values().find((pods) => pods.has(name));
    const agent = byNode && agentTrouble(byNode.get(name) ?? []);
    return agent ? { ...node, agent } : node;
  });
}

async function readStatuses(client: KubernetesClient) {
  const take = (object: RawObject) => [nameOf(object), decodeStatus(object)] as const;
  try {
    return new Map((await listAll(client, nodeStatuses, take)).items);
  } catch (error) {
    throw orNotInstalled(error);
  }
}
