/**
 * The agent's side of the API server: first its own node, which says what is to be closed; then everything, for as
 * long as the agent lives. Says how fresh all that is.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { BulkheadError } from '../errors.ts';
import { Backoff } from '../kubernetes/backoff.ts';
import type { KubernetesClient } from '../kubernetes/client.ts';
import { nodes } from '../kubernetes/resource.ts';
import type { Node } from '../objects/model.ts';
import { ClusterWatch } from '../sources/api/cluster-watch.ts';
import type { ClusterUpdate } from '../sources/api/cluster-watch.ts';
import { decodeNode } from '../sources/api/node.ts';
import type { Health } from './health.ts';
import { LogLimit, ofOthers } from './log-limit.ts';
import type { Logger } from './log.ts';
import type { AgentMetrics } from './metrics/agent-metrics.ts';
import type { AgentOptions } from './options.ts';

export interface WatchKeeperOptions {
  readonly client: KubernetesClient;
  readonly options: Pick<AgentOptions, 'node' | 'cacheSyncTimeoutMs' | 'degradedAfterMs'>;
  readonly logger: Logger;
  readonly metrics: AgentMetrics;
  readonly health: Health;
  /** Once, before the first update. */
  readonly ownNode: (node: Node) => void;
  readonly update: (update: ClusterUpdate) => void;
  /** The condition `api` is another one now. */
  readonly changed: () => void;
}

const retries = { firstMs: 200, maxMs: 10_000 };

export class WatchKeeper {
  readonly #options: WatchKeeperOptions;
  readonly #problems: LogLimit;
  readonly #stopping = new AbortController();
  readonly #started = performance.now();
  #watch: ClusterWatch | undefined;
  #error: BulkheadError | undefined;

  constructor(options: WatchKeeperOptions) {
    this.#options = options;
    this.#problems = new LogLimit({ logger: options.logger, ...ofOthers });
  }

  start(): void {
    this.#run().catch((error: unknown) => {
      if (this.#stopping.signal.aborted) return;
      this.#options.logger.log(
        'error',
        error instanceof Error ? (error.stack ?? error.message) : String(error),
      );
    });
  }

  stop(): void {
    this.#stopping.abort();
    this.#watch?.close();
  }

  /** Up to where every change of a policy has been delivered; absent where the API server has forgotten it. */
  get policiesVersion(): string | undefined {
    return this.#watch?.synced ? this.#watch.delivered('networkPolicies') : undefined;
  }

  /** To be called now and then: whether the API server has been away for too long. */
  check(now = performance.now()): void {
    const { options, metrics, health, logger, changed } = this.#options;
    const condition = this.#condition(now, options);
    for (const [resource, { counts }] of Object.entries(this.#watch?.state() ?? {})) {
      metrics.watchRestarts.set(counts.restarts, { resource });
      metrics.relists.set(counts.relists, { resource });
      metrics.watchFailures.set(counts.failures, { resource });
    }
    if (!health.set('api', condition)) return;
    logger.log(condition.ok ? 'info' : 'warn', condition.message, {
      condition: 'api',
      reason: condition.reason,
    });
    changed();
  }

  #condition(now: number, { cacheSyncTimeoutMs, degradedAfterMs }: WatchKeeperOptions['options']) {
    const states = Object.entries(this.#watch?.state() ?? {});
    if (!this.#watch?.synced) {
      const error = this.#error ?? states.find(([, state]) => state.error)?.[1].error;
      const message = error?.diagnostics[0]?.message ?? 'reading everything for the first time';
      const isLate = performance.now() - this.#started > cacheSyncTimeoutMs;
      return { ok: !isLate, reason: isLate ? 'NotSynced' : 'Syncing', message };
    }
    const stale = states.filter(
      ([, { staleSince }]) => staleSince !== undefined && now - staleSince > degradedAfterMs,
    );
    const [first] = stale;
    if (!first) return { ok: true, reason: 'Watching', message: 'the watch is up to date' };
    const since = new Date(Date.now() - (now - (first[1].staleSince ?? now))).toISOString();
    const why = first[1].error?.diagnostics[0]?.message ?? 'not connected';
    const names = stale.map(([resource]) => resource).join(', ');
    return { ok: false, reason: 'Disconnected', message: `${names}: no watch since ${since}: ${why}` };
  }

  async #run(): Promise<void> {
    const { client, ownNode, update, logger } = this.#options;
    await this.#ownNode(ownNode);
    if (this.#stopping.signal.aborted) return;
    this.#watch = new ClusterWatch({
      client,
      observer: {
        updated: (one) => {
          // What is wrong may quote what the object says, which is nobody's business at this level.
          for (const [object, [problem]] of one.problems) {
            const { code, field, message } = problem ?? {};
            this.#problems.log('warn', 'an object can not be taken as it stands', { object, code, field });
            logger.log('debug', message ?? 'something is wrong with it', { object, code });
          }
          update(one);
        },
        state: (resource, { phase, error }) => {
          logger.log(error ? 'warn' : 'debug', error?.diagnostics[0]?.message ?? phase, { resource, phase });
        },
      },
    });
  }

  async #ownNode(found: WatchKeeperOptions['ownNode']): Promise<void> {
    const { client, options, logger } = this.#options;
    const backoff = new Backoff(retries);
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        const raw = await client.get(nodes, { name: options.node });
        this.#error = undefined;
        const { object } = decodeNode(raw);
        if (object) found(object);
        return;
      } catch (error) {
        if (!(error instanceof BulkheadError)) throw error;
        if (this.#error?.message !== error.message)
          logger.log('warn', error.diagnostics[0]?.message ?? error.message);
        this.#error = error;
        await delay(backoff.next(), undefined, { signal }).catch(() => undefined);
      }
    }
  }
}
