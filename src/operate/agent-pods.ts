/** The pods in which the agents of a cluster run, and how each is spoken to. */
import { BulkheadError, failure } from '../errors.ts';
import { ApiError } from '../kubernetes/api-error.ts';
import type { KubernetesClient, RawObject } from '../kubernetes/client.ts';
import { listAll } from '../kubernetes/paged-list.ts';
import { nodes, pods } from '../kubernetes/resource.ts';
import { asFields, asList, asText, type Fields } from '../kubernetes/untyped.ts';
import { nameOf } from './listed-objects.ts';

/** As every way to install it labels them. */
export const agentSelector = 'app.kubernetes.io/name=bulkhead,app.kubernetes.io/component=agent';
export const agentNamespace = 'bulkhead-system';

export const containerName = 'agent';

export interface AgentPod {
  readonly node: string;
  readonly namespace: string;
  readonly name: string;
  /** Of the container that runs: another one is another agent. Absent: it does not run. */
  readonly containerId?: string;
  /** Why it does not run: `CrashLoopBackOff`. */
  readonly reason: string;
  readonly isReady: boolean;
  /** It is being deleted. */
  readonly isEnding: boolean;
  /** What starts Bulkhead in the container. */
  readonly program: readonly string[];
  readonly runDirectory: string;
}

/** Undefined: it is on no node yet. */
export function decodeAgentPod(object: RawObject): AgentPod | undefined {
  const [metadata, spec, status] = ['metadata', 'spec', 'status'].map((key) => asFields(object[key]));
  const node = asText(spec?.['nodeName']);
  if (node === undefined || node === '') return undefined;
  const named = (list: unknown): Fields | undefined =>
    asList(list)
      .map(asFields)
      .find((one) => one?.['name'] === containerName);
  const state = named(status?.['containerStatuses']);
  const stateFields = asFields(state?.['state']);
  const isRunning = asFields(stateFields?.['running']) !== undefined;
  const containerId = isRunning ? asText(state?.['containerID']) : undefined;
  const reasons = [asFields(stateFields?.['waiting']), asFields(stateFields?.['terminated']), status];
  return {
    node,
    namespace: asText(metadata?.['namespace']) ?? '',
    name: asText(metadata?.['name']) ?? '',
    ...(containerId === undefined ? {} : { containerId }),
    reason: reasons.map((one) => asText(one?.['reason'])).find(Boolean) ?? asText(status?.['phase']) ?? '',
    isReady: asList(status?.['conditions'])
      .map(asFields)
      .some((one) => one?.['type'] === 'Ready' && one['status'] === 'True'),
    isEnding: asText(metadata?.['deletionTimestamp']) !== undefined,
    ...commandOf(named(spec?.['containers'])),
  };
}

export function notRunning({ namespace, name, reason }: AgentPod): string {
  return `the agent's pod ${namespace}/${name} does not run${reason === '' ? '' : `: ${reason}`}`;
}

/** The image's own entrypoint is not known here; `bulkhead` is on its path. */
function commandOf(container: Fields | undefined): Pick<AgentPod, 'program' | 'runDirectory'> {
  const texts = (key: string): string[] => asList(container?.[key]).flatMap((one) => asText(one) ?? []);
  const command = texts('command');
  const words = [...command, ...texts('args')];
  const end = command.indexOf('agent');
  const program = end < 0 ? command : command.slice(0, end);
  const at = words.indexOf('--run-dir');
  const written = words.find((word) => word.startsWith('--run-dir='))?.slice('--run-dir='.length);
  return {
    program: program.length > 0 ? program : ['bulkhead'],
    runDirectory: written ?? (at < 0 ? undefined : words[at + 1]) ?? '/run/bulkhead',
  };
}

export interface FoundAgents {
  /** One per node; where a node has two, the one that runs. */
  readonly pods: readonly AgentPod[];
  /** Nodes on which there is none. Not told to whom may not list nodes. */
  readonly without: readonly string[];
}

/** `wanted`: only of these nodes. @throws BulkheadError KUBERNETES_…, AGENT_PODS_MISSING */
export async function findAgents(
  client: KubernetesClient,
  { namespace, wanted }: { readonly namespace: string; readonly wanted?: ReadonlySet<string> },
): Promise<FoundAgents> {
  const options = { namespace, labelSelector: agentSelector };
  const listed = (await listAll(client, pods, decodeAgentPod, options)).items.flatMap((pod) => pod ?? []);
  if (listed.length === 0) throw noAgents(namespace);
  const byNode = new Map(
    [...Map.groupBy(listed, ({ node }) => node)].map(([node, all]) => [node, chosen(all)]),
  );
  const all = wanted ?? (await nodeNames(client));
  const found = [...byNode.values()].flatMap((pod) => pod ?? []);
  return {
    pods: found.filter(({ node }) => wanted?.has(node) ?? true),
    without: [...all].filter((name) => !byNode.has(name)),
  };
}

/** Of the agents of one node, one of which takes over from the other: the one that runs, and the newer of two that do. */
export function chosen(all: readonly AgentPod[]): AgentPod | undefined {
  return all.findLast(({ containerId }) => containerId !== undefined) ?? all.at(-1);
}

async function nodeNames(client: KubernetesClient): Promise<ReadonlySet<string>> {
  try {
    return new Set((await listAll(client, nodes, nameOf)).items);
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return new Set();
    throw error;
  }
}

function noAgents(namespace: string): BulkheadError {
  const message = `no pod in namespace ${namespace} is labelled ${agentSelector}`;
  const hint =
    'Name the namespace in which Bulkhead is installed with --agent-namespace, or another cluster.';
  return new BulkheadError(failure('AGENT_PODS_MISSING', message, { hint }));
}
