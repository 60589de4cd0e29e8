/** The flows of one node, for as long as somebody looks: across restarts of its agent and cut connections. */
import { setTimeout as delay } from 'node:timers/promises';
import { Backoff } from '../kubernetes/backoff.ts';
import type { KubernetesClient } from '../kubernetes/client.ts';
import type { FlowRecord } from '../observe/flow-record.ts';
import { notRunning, type AgentPod } from './agent-pods.ts';
import { flowsRequest, type FlowQuestion } from './flow-query.ts';
import { parseFlow, type NodeFlow } from './node-flow.ts';
import { reasonOf } from './past-flows.ts';
import { readDebug } from './read-debug.ts';

export type StreamNotice =
  /** Nothing comes from the node, and why. */
  | { readonly kind: 'silent'; readonly node: string; readonly reason: string }
  /** It comes again. `missing`: another agent answers, and what the one before saw after this time is not known. */
  | { readonly kind: 'back'; readonly node: string; readonly missing?: string };

export interface NodeFlowStreamOptions {
  readonly client: KubernetesClient;
  readonly node: string;
  readonly question: FlowQuestion;
  /** For a node that comes later: what it saw since then, instead of the last ones. */
  readonly since?: string;
  readonly flow: (flow: NodeFlow) => void;
  /** The past flows have come, or will not for now. */
  readonly live: () => void;
  readonly notice: (notice: StreamNotice) => void;
  readonly signal: AbortSignal;
}

const retries = { firstMs: 500, maxMs: 15_000 };

export class NodeFlowStream {
  readonly #options: NodeFlowStreamOptions;
  readonly #backoff = new Backoff(retries);
  #pod: AgentPod | undefined;
  #changed = Promise.withResolvers<void>();
  /** Until when everything has been heard, and what was heard of that very moment. */
  #heard = '';
  readonly #heardThen = new Set<string>();
  /** The agent that was heard last. */
  #containerId: string | undefined;
  #silent = false;
  #reading: AbortController | undefined;

  constructor(options: NodeFlowStreamOptions) {
    this.#options = options;
    this.#heard = options.since ?? '';
  }

  /** Where the node's agent is now; undefined: it has none. */
  podIs(pod: AgentPod | undefined): void {
    if (this.#pod?.containerId === pod?.containerId && this.#pod?.reason === pod?.reason) return;
    // An agent that another one has followed says nothing any more; its connection may hang.
    if (pod?.containerId !== undefined && pod.containerId !== this.#pod?.containerId) this.#reading?.abort();
    this.#pod = pod;
    this.#backoff.reset();
    this.#changed.resolve();
  }

  /** Until `signal`. */
  async run(): Promise<void> {
    const { signal } = this.#options;
    const stopped = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    while (!signal.aborted) {
      this.#changed = Promise.withResolvers<void>();
      const pod = this.#pod;
      if (pod?.containerId === undefined) {
        this.#isSilent(pod ? notRunning(pod) : 'no agent runs there');
        await Promise.race([this.#changed.promise, stopped]);
        continue;
      }
      const reason = await this.#read(pod);
      if (signal.aborted) return;
      this.#isSilent(reason);
      const pause = delay(this.#backoff.next(), undefined, { signal }).catch(() => undefined);
      await Promise.race([this.#changed.promise, pause]);
    }
  }

  /** Why it ended. */
  async #read(pod: AgentPod): Promise<string> {
    const { client, question } = this.#options;
    this.#reading = new AbortController();
    const signal = AbortSignal.any([this.#options.signal, this.#reading.signal]);
    const isFirst = this.#containerId === undefined;
    const isAnother = !isFirst && this.#containerId !== pod.containerId;
    const request = flowsRequest(question, {
      follow: true,
      ...(this.#heard === '' ? { last: question.last } : { since: this.#heard }),
    });
    try {
      await readDebug(client, pod, { request, signal, line: (line) => this.#take(pod, line, isAnother) });
      return 'the agent has ended the stream';
    } catch (error) {
      return signal.aborted ? 'another agent has taken its place' : reasonOf(error);
    }
  }

  #take(pod: AgentPod, line: string, isAnother: boolean): void {
    const { node, flow, live, notice } = this.#options;
    const item = parseFlow(node, line);
    if (item.kind === 'live') {
      if (this.#silent) notice({ kind: 'back', node, ...(isAnother ? { missing: this.#heard } : {}) });
      this.#silent = false;
      this.#containerId = pod.containerId;
      this.#backoff.reset();
      live();
      return;
    }
    if (item.kind === 'lost' || this.#isNew(item.record)) flow(item);
  }

  /** What is asked for again begins with the last moment that was heard of. */
  #isNew(record: FlowRecord): boolean {
    const { time, source, destination, protocol } = record;
    const key = [protocol, source.address, source.port, destination.address, destination.port].join(' ');
    if (time < this.#heard) return true;
    if (time > this.#heard) this.#heardThen.clear();
    this.#heard = time;
    if (this.#heardThen.has(key)) return false;
    this.#heardThen.add(key);
    return true;
  }

  #isSilent(reason: string): void {
    if (!this.#silent) this.#options.notice({ kind: 'silent', node: this.#options.node, reason });
    this.#silent = true;
    this.#options.live();
  }
}
