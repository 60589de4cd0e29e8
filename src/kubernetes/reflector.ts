/**
 * Follows the objects of a resource: lists them once, then watches, and tells an observer what changes. Whatever happens
 * on the way (a cut or silent connection, a server that forgot where we were, refuses or is gone) it tries again until it
 * is closed, and what the observer has been told then becomes what the server has. docs/kubernetes.md goes through it.
 *
 * A list is delivered as one batch, of its differences only: nobody sees half of it, and no object is forgotten while
 * the server is away.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { BulkheadError, failure } from '../errors.ts';
import { ApiError, protocolError } from './api-error.ts';
import { Backoff, type BackoffLimits } from './backoff.ts';
import type { KubernetesClient, RawObject, Selectors } from './client.ts';
import { Inventory, type Comparison } from './inventory.ts';
import type { ReflectorCounts, ReflectorObserver, ReflectorState } from './observer.ts';
import { listPages } from './paged-list.ts';
import { compareResourceVersions } from './resource-version.ts';
import { describePlace, type Resource } from './resource.ts';
import { identityOf, parseWatchEvent, type WatchEvent } from './watch-event.ts';
import { readWatch } from './watch-stream.ts';

export interface ReflectorOptions<T> extends Selectors {
  readonly client: KubernetesClient;
  readonly resource: Resource;
  /** Absent: all namespaces. */
  readonly namespace?: string;
  /**
   * Takes what is needed out of the object, which then becomes garbage. Must not throw: what can't be read has to
   * become a value, too.
   */
  readonly decode: (object: RawObject) => T;
  readonly observer: ReflectorObserver<T>;
  readonly pace?: Partial<Pace>;
}

/** Times and sizes; the defaults suit a real cluster. */
export interface Pace {
  readonly pageSize: number;
  /** How long an answer may take to begin, and a list to go on. */
  readonly answerMs: number;
  /** How long a watch may be silent: longer than between two bookmarks, of which there is one a minute. */
  readonly watchSilenceMs: number;
  /** A server ends each watch after a random time between this and its double, so that agents spread over servers. */
  readonly watchSeconds: number;
  /** A watch that lasted this long went well, even if nothing happened. */
  readonly steadyMs: number;
  readonly backoff: BackoffLimits;
}

const defaultPace: Pace = {
  pageSize: 500,
  answerMs: 30_000,
  watchSilenceMs: 150_000,
  watchSeconds: 300,
  steadyMs: 10_000,
  backoff: { firstMs: 200, maxMs: 30_000 },
};

/** After so many watches in a row that failed although the server answered, what they resume from is given up. */
const maxFailedWatches = 3;

export class Reflector<T> {
  readonly #options: ReflectorOptions<T>;
  readonly #pace: Pace;
  readonly #inventory: Inventory<T>;
  readonly #backoff: Backoff;
  readonly #closing = new AbortController();
  /** Where the next watch begins; absent: with a list. */
  #resumeFrom: string | undefined;
  #failedWatches = 0;
  /** From when on the watch that runs has lasted, as `performance.now()`. */
  #steadyFrom = Infinity;
  #phase: ReflectorState['phase'] = 'listing';
  #synced = false;
  #staleSince: number | undefined = performance.now();
  #error: BulkheadError | undefined;
  #watches = 0;
  readonly #counts = { relists: 0, failures: 0, events: 0, repeated: 0, bookmarks: 0 };

  /** Begins at once. */
  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#pace = { ...defaultPace, ...options.pace };
    this.#inventory = new Inventory(options.decode);
    this.#backoff = new Backoff(this.#pace.backoff);
    void this.#run();
  }

  get state(): ReflectorState {
    return {
      phase: this.#phase,
      synced: this.#synced,
      ...(this.#staleSince === undefined ? {} : { staleSince: this.#staleSince }),
      ...(this.#error === undefined ? {} : { error: this.#error }),
      ...(this.#resumeFrom === undefined ? {} : { resourceVersion: this.#resumeFrom }),
      counts: this.#countsNow(),
    };
  }

  /** How many objects there are. */
  get size(): number {
    return this.#inventory.size;
  }

  /** Ends everything at once: the observer hears nothing more. */
  close(): void {
    this.#phase = 'closed';
    this.#closing.abort();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    // Whoever made the reflector has it in hand before the observer hears of it.
    await Promise.resolve();
    while (!signal.aborted) {
      const waitMs = await this.#attempt();
      if (waitMs > 0) await delay(waitMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** A list where one is due, and a watch until it ends; how long to wait afterwards, in milliseconds. */
  async #attempt(): Promise<number> {
    this.#steadyFrom = Infinity;
    const before = this.#counts.events + this.#counts.bookmarks;
    const wentWell = (): boolean =>
      this.#counts.events + this.#counts.bookmarks > before || performance.now() >= this.#steadyFrom;
    try {
      this.#resumeFrom ??= await this.#list();
      await this.#watch(this.#resumeFrom);
      if (!wentWell()) throw protocolError(this.#action('watch'), 'the server ended the watch at once');
      this.#wentWell();
      return 0;
    } catch (error) {
      if (this.#closing.signal.aborted) return 0;
      if (wentWell()) this.#wentWell();
      return this.#failed(error);
    }
  }

  #wentWell(): void {
    this.#backoff.reset();
    this.#failedWatches = 0;
  }

  #failed(error: unknown): number {
    this.#counts.failures += 1;
    const isAnswer = error instanceof ApiError;
    if (isAnswer) this.#failedWatches += 1;
    const isGone = isAnswer && error.isGone;
    const isOfThisSide = !(error instanceof BulkheadError);
    if (isGone || isOfThisSide || this.#failedWatches >= maxFailedWatches) {
      this.#resumeFrom = undefined;
      this.#failedWatches = 0;
    }
    this.#staleSince ??= performance.now();
    // A server that forgot where we were is no fault: the list that follows mends it.
    if (isGone && this.#phase === 'watching') this.#enter('listing');
    else this.#enter('disconnected', isOfThisSide ? notTaken(error, this.#action('follow')) : error);
    return this.#backoff.next(isAnswer ? error.retryAfter : undefined);
  }

  async #list(): Promise<string> {
    const { client, resource } = this.#options;
    if (this.#phase !== 'disconnected') this.#enter('listing');
    const action = this.#action('list');
    let comparison = this.#inventory.compare();
    let keys = new Set<string>();
    const resourceVersion = await listPages(client, resource, {
      ...this.#scope(),
      limit: this.#pace.pageSize,
      signal: this.#closing.signal,
      silenceMs: this.#pace.answerMs,
      object: (object) => {
        const identity = identityOf(action, object);
        keys.add(identity.key);
        comparison.present(identity, object);
      },
      restart: () => {
        comparison = this.#inventory.compare();
        keys = new Set();
      },
    });
    const arrived = performance.now();
    comparison.absentBut(keys, resourceVersion);
    this.#deliver(comparison, resourceVersion, arrived);
    if (this.#synced) this.#counts.relists += 1;
    else this.#tell(() => this.#options.observer.synced(resourceVersion));
    this.#synced = true;
    return resourceVersion;
  }

  async #watch(resourceVersion: string): Promise<void> {
    const { client, resource } = this.#options;
    const { watchSeconds, watchSilenceMs, answerMs, steadyMs } = this.#pace;
    const action = this.#action('watch');
    const response = await client.watch(resource, {
      ...this.#scope(),
      resourceVersion,
      timeoutSeconds: Math.ceil(watchSeconds * (1 + Math.random())),
      signal: this.#closing.signal,
      silenceMs: answerMs,
    });
    this.#watches += 1;
    this.#steadyFrom = performance.now() + steadyMs;
    this.#staleSince = undefined;
    this.#enter('watching');
    await readWatch(response, {
      action,
      silenceMs: watchSilenceMs,
      lines: (lines, arrived) => this.#take(action, lines, arrived),
    });
  }

  /** What is in front of an event that can't be taken is delivered all the same. */
  #take(action: string, lines: readonly string[], arrived: number): void {
    const comparison = this.#inventory.compare();
    let position = this.#resumeFrom ?? '';
    try {
      for (const line of lines) {
        const event = parseWatchEvent(action, line);
        const next = event.type === 'bookmark' ? event.resourceVersion : event.identity.resourceVersion;
        this.#requireProgress(action, position, next);
        this.#note(comparison, event);
        position = next;
      }
    } finally {
      this.#deliver(comparison, position, arrived);
      this.#resumeFrom = position;
    }
  }

  /** A stream that goes back in time is of another history than ours: of a store restored from a backup, say. */
  #requireProgress(action: string, from: string, to: string): void {
    if ((compareResourceVersions(to, from) ?? 0) >= 0) return;
    throw new ApiError(action, {
      status: 410,
      body: { message: `resource version ${to} after ${from}`, reason: 'Expired' },
    });
  }

  #note(comparison: Comparison<T>, event: WatchEvent): void {
    if (event.type === 'bookmark') {
      this.#counts.bookmarks += 1;
      return;
    }
    this.#counts.events += 1;
    const { identity } = event;
    const isNew =
      event.type === 'changed'
        ? comparison.present(identity, event.object)
        : comparison.absent(identity.key, identity.resourceVersion);
    if (!isNew) this.#counts.repeated += 1;
  }

  #deliver(comparison: Comparison<T>, resourceVersion: string, arrived: number): void {
    this.#closing.signal.throwIfAborted();
    const { changes, found } = comparison;
    const batch = { changes, resourceVersion, arrived };
    if (changes.length > 0) this.#tell(() => this.#options.observer.changed(batch));
    this.#inventory.accept(found);
  }

  /** Whatever error an observer throws, none of it is the server's. */
  #tell(what: () => void): void {
    try {
      what();
    } catch (error) {
      throw new NotTaken('the observer failed', { cause: error });
    }
  }

  #enter(phase: 'listing' | 'watching' | 'disconnected', error?: BulkheadError): void {
    if (this.#closing.signal.aborted) return;
    const isSame = this.#phase === phase && this.#error?.message === error?.message;
    [this.#phase, this.#error] = [phase, error];
    if (!isSame) this.#options.observer.state(this.state);
  }

  #scope(): Selectors & { namespace?: string } {
    const { namespace, fieldSelector, labelSelector } = this.#options;
    return {
      ...(namespace === undefined ? {} : { namespace }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
      ...(labelSelector === undefined ? {} : { labelSelector }),
    };
  }

  #action(verb: string): string {
    const { resource, namespace } = this.#options;
    return `${verb} ${describePlace(resource, namespace === undefined ? {} : { namespace })}`;
  }

  #countsNow(): ReflectorCounts {
    return { ...this.#counts, restarts: Math.max(0, this.#watches - 1) };
  }
}

/** What the observer, or the decoder, threw. */
class NotTaken extends Error {}

function notTaken(error: unknown, action: string): BulkheadError {
  const cause = error instanceof NotTaken ? error.cause : error;
  if (cause instanceof BulkheadError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  const diagnostic = failure('KUBERNETES_NOT_TAKEN', `${action}: a change could not be taken: ${reason}`, {
    hint: 'Report it, with the text of the error: this is a defect of Bulkhead.',
  });
  return new BulkheadError(diagnostic, { cause });
}
