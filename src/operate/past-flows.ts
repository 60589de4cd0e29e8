/** The last flows of a cluster: each agent is asked once. */
import { BulkheadError } from '../errors.ts';
import type { KubernetesClient } from '../kubernetes/client.ts';
import { notRunning, type AgentPod } from './agent-pods.ts';
import { flowsRequest, type FlowQuestion } from './flow-query.ts';
import { byTime, parseFlow, type NodeFlow } from './node-flow.ts';
import { readDebug } from './read-debug.ts';

export interface PastFlows {
  readonly flows: readonly NodeFlow[];
  /** Nodes that could not be asked, and why. */
  readonly silent: readonly { readonly node: string; readonly reason: string }[];
}

/** Each question is a process in the agent's container, and a connection here. */
const atOnce = 16;

export async function pastFlows(
  client: KubernetesClient,
  pods: readonly AgentPod[],
  question: FlowQuestion & { readonly signal: AbortSignal },
): Promise<PastFlows> {
  const found: { readonly flow: NodeFlow }[] = [];
  const silent: { node: string; reason: string }[] = [];
  const ask = async (pod: AgentPod): Promise<void> => {
    const { node } = pod;
    const take = (line: string): void => {
      const flow = parseFlow(node, line);
      if (flow.kind !== 'live') found.push({ flow });
    };
    const request = flowsRequest(question, { last: question.last });
    try {
      if (pod.containerId === undefined) silent.push({ node, reason: notRunning(pod) });
      else await readDebug(client, pod, { request, line: take, signal: question.signal });
    } catch (error) {
      if (question.signal.aborted) return;
      silent.push({ node, reason: reasonOf(error) });
    }
  };
  const waiting = pods.values();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const pod of waiting) await ask(pod);
    }),
  );
  const last = question.last === 0 ? [] : byTime(found).slice(-question.last);
  return { flows: last.map(({ flow }) => flow), silent };
}

/** What an error says, without its hint. @throws what is none that a user can be told */
export function reasonOf(error: unknown): string {
  if (error instanceof BulkheadError) return error.diagnostics[0]?.message ?? error.message;
  if (error instanceof SyntaxError) return 'the agent answers what is no flow';
  throw error;
}
