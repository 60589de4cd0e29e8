/** What the API server knows of a node's agent by its pods: more than the agent can say that runs no more. */
import { ApiError } from '../kubernetes/api-error.ts';
import type { KubernetesClient } from '../kubernetes/client.ts';
import { listAll } from '../kubernetes/paged-list.ts';
import { pods } from '../kubernetes/resource.ts';
import { agentSelector, decodeAgentPod, notRunning } from './agent-pods.ts';
import type { AgentPod } from './agent-pods.ts';

export interface AgentTrouble {
  /** It says nothing any more, whatever it said last. */
  readonly isSilent: boolean;
  /** In words. */
  readonly text: string;
}

/** Of the pods of one node's agents; undefined: one of them is well. */
export function agentTrouble(all: readonly AgentPod[]): AgentTrouble | undefined {
  const [first] = all;
  if (!first) return { isSilent: true, text: "the agent's pod is gone" };
  const running = all.filter(({ containerId }) => containerId !== undefined);
  const [best] = [...running.filter(({ isEnding }) => !isEnding), ...running];
  if (!best) return { isSilent: true, text: notRunning(all.find(({ isEnding }) => !isEnding) ?? first) };
  const told = (what: string) => ({
    isSilent: false,
    text: `the agent's pod ${best.namespace}/${best.name} ${what}`,
  });
  if (best.isEnding) return told('is being deleted');
  return running.some(({ isReady, isEnding }) => isReady && !isEnding) ? undefined : told('is not ready');
}

/** The agents' pods in a namespace, by node; undefined to whom may not list them. @throws BulkheadError KUBERNETES_… */
export async function agentPodsIn(
  client: KubernetesClient,
  namespace: string,
): Promise<ReadonlyMap<string, readonly AgentPod[]> | undefined> {
  try {
    const { items } = await listAll(client, pods, decodeAgentPod, {
      namespace,
      labelSelector: agentSelector,
    });
    return Map.groupBy(
      items.flatMap((pod) => pod ?? []),
      ({ node }) => node,
    );
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return undefined;
    throw error;
  }
}
