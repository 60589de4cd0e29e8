/** The flows of a cluster as they happen: a stream of each node, put in the order of time as far as that can be known. */
import type { BulkheadError } from '../errors.ts';
import { ApiError } from '../kubernetes/api-error.ts';
import type { KubernetesClient } from '../kubernetes/client.ts';
import { Reflector } from '../kubernetes/reflector.ts';
import { pods } from '../kubernetes/resource.ts';
import { agentSelector, chosen, decodeAgentPod, type AgentPod } from './agent-pods.ts';
import type { FlowQuestion } from './flow-query.ts';
import { byTime, type NodeFlow } from './node-flow.ts';
import { NodeFlowStream, type StreamNotice } from './node-flow-stream.ts';

export interface FollowedFlowsOptions {
  readonly client: KubernetesClient;
  /** Where the agents run. */
  readonly namespace: string;
  /** Absent: all. */
  readonly nodes?: ReadonlySet<string>;
  readonly question: FlowQuestion;
  readonly flow: (flow: NodeFlow) => void;
  readonly notice: (notice: StreamNotice) => void;
  readonly signal: AbortSignal;
}

/** Nodes are heard with different delays; so long a flow waits for earlier ones of others. */
const holdMs = 100;
/** How long the past of nodes that are slow to answer is waited for. */
const pastMs = 5000;

/** Until `signal`. @throws BulkheadError KUBERNETES_… where the pods can't be listed */
export async function followFlows(options: FollowedFlowsOptions): Promise<void> {
  const followed = new FollowedFlows(options);
  try {
    await followed.outcome;
  } finally {
    followed.close();
  }
}

interface Held {
  readonly flow: NodeFlow;
  /** When it came, as `performance.now()`. */
  readonly at: number;
  readonly isPast: boolean;
}

class FollowedFlows {
  readonly outcome: Promise<void>;
  readonly #options: FollowedFlowsOptions;
  readonly #ending = new AbortController();
  readonly #settle = Promise.withResolvers<void>();
  readonly #streams = new Map<string, NodeFlowStream>();
  /** By name; a node may have two for a moment, while one takes over from the other. */
  readonly #pods = new Map<string, AgentPod>();
  readonly #reflector: Reflector<AgentPod | undefined>;
  /** Nodes whose past is still awaited. */
  readonly #awaited = new Set<string>();
  #synced = false;
  #isPast = true;
  readonly #began = new Date();
  readonly #pastUntil = performance.now() + pastMs;
  #held: Held[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(options: FollowedFlowsOptions) {
    this.#options = options;
    this.outcome = this.#settle.promise;
    options.signal.addEventListener('abort', () => this.#settle.resolve(), { once: true });
    this.#reflector = new Reflector({
      client: options.client,
      resource: pods,
      namespace: options.namespace,
      labelSelector: agentSelector,
      decode: decodeAgentPod,
      observer: {
        changed: ({ changes }) => {
          const before = new Set(this.#pods.values().map(({ node }) => node));
          for (const { key, now } of changes) {
            if (now && (options.nodes?.has(now.node) ?? true)) this.#pods.set(key, now);
            else this.#pods.delete(key);
          }
          for (const node of before.union(new Set(this.#pods.values().map((pod) => pod.node))))
            this.#podOf(node);
        },
        synced: () => {
          this.#synced = true;
        },
        state: ({ error, synced }) => this.#noteError(error, synced),
      },
    });
    this.#timer = setInterval(() => this.#release(), holdMs / 2);
  }

  close(): void {
    this.#ending.abort();
    this.#reflector.close();
    clearInterval(this.#timer);
    for (const { flow } of this.#held) this.#options.flow(flow);
    this.#held = [];
  }

  #noteError(error: BulkheadError | undefined, synced: boolean): void {
    if (!error) return;
    const isFinal = error instanceof ApiError && [401, 403, 404].includes(error.status);
    if (!synced || isFinal) this.#settle.reject(error);
  }

  #podOf(node: string): void {
    const pod = chosen([...this.#pods.values()].filter((one) => one.node === node));
    const known = this.#streams.get(node);
    const stream = known ?? this.#newStream(node);
    stream.podIs(pod);
    if (known) return;
    stream.run().catch((error: unknown) => this.#settle.reject(error));
  }

  #newStream(node: string): NodeFlowStream {
    const { client, question, notice } = this.#options;
    if (this.#isPast) this.#awaited.add(node);
    const stream = new NodeFlowStream({
      client,
      node,
      question,
      ...(this.#isPast ? {} : { since: this.#began.toISOString() }),
      flow: (flow) => {
        this.#held.push({ flow, at: performance.now(), isPast: this.#awaited.has(node) });
      },
      live: () => void this.#awaited.delete(node),
      notice,
      signal: this.#ending.signal,
    });
    this.#streams.set(node, stream);
    return stream;
  }

  #release(): void {
    const now = performance.now();
    if (this.#isPast) {
      const isWhole = this.#synced && this.#awaited.size === 0;
      if (!isWhole && now < this.#pastUntil) return;
      this.#isPast = false;
      const { last } = this.#options.question;
      const past = byTime(this.#held.filter(({ isPast }) => isPast));
      const kept = new Set(last === 0 ? [] : past.slice(-last));
      this.#held = this.#held.filter((held) => !held.isPast || kept.has(held));
    }
    const sorted = byTime(this.#held);
    const due = 1 + sorted.findLastIndex(({ at }) => now - at >= holdMs);
    for (const { flow } of sorted.slice(0, due)) this.#options.flow(flow);
    this.#held = sorted.slice(due);
  }
}
