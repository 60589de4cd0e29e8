/**
 * Says with Kubernetes Events which policies this node refuses: where people look who never heard of NodePolicyStatus. One
 * for each refused version of a policy and reason, however often it is offered again; as Events are forgotten after an
 * hour, one that still holds counts up before that.
 */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { BulkheadError } from '../errors.ts';
import { ApiError } from '../kubernetes/api-error.ts';
import type { KubernetesClient } from '../kubernetes/client.ts';
import type { Resource } from '../kubernetes/resource.ts';
import type { ApiPolicy, PolicyRevision } from '../sources/api/network-policy.ts';
import { policyId } from './policy-intake.ts';
import type { Refusal } from './refused-policy.ts';

const events: Resource = { group: 'events.k8s.io', version: 'v1', plural: 'events' };

export interface RefusalEventsOptions {
  readonly client: Pick<KubernetesClient, 'create' | 'patch'>;
  readonly node: string;
  /** Called after each attempt; undefined: it was written. What was not is tried again. */
  readonly onResult: (error: BulkheadError | undefined) => void;
  readonly pace?: Partial<EventPace>;
}

export interface EventPace {
  /** One after the other, no faster than this: a thousand nodes may refuse the same policies. */
  readonly gapMs: number;
  readonly retryMs: number;
  /** A refusal that still holds is told of again. Less than the hour for which API servers keep Events. */
  readonly renewMs: number;
}

const defaultPace: EventPace = { gapMs: 1000, retryMs: 30_000, renewMs: 1_800_000 };

/** What can be told of one policy, and whether it has been. */
interface Told {
  readonly refusal: Refusal;
  readonly revision: PolicyRevision;
  /** How often; 0: not yet. */
  count: number;
  /** When it is to be written next, as `performance.now()`. */
  due: number;
}

export class RefusalEvents {
  readonly #options: RefusalEventsOptions;
  readonly #pace: EventPace;
  /** Of all policies, by id: an Event names the object that it is about. */
  readonly #revisions = new Map<string, PolicyRevision>();
  /** By what they are the same Event. */
  #told = new Map<string, Told>();
  /** When an Event of a namespace was last tried, as `performance.now()`. */
  #tried = new Map<string, number>();
  readonly #closing = new AbortController();
  #wake = Promise.withResolvers<void>();

  /** Begins at once. */
  constructor(options: RefusalEventsOptions) {
    this.#options = options;
    this.#pace = { ...defaultPace, ...options.pace };
    void this.#run();
  }

  /** What has become of policies, by key. */
  know(changed: Iterable<readonly [key: string, now: ApiPolicy | undefined]>): void {
    for (const [key, policy] of changed) {
      if (!policy) {
        this.#revisions.delete(policyId(key));
        continue;
      }
      const { namespace, name, uid, resourceVersion, generation } = policy;
      this.#revisions.set(policyId(key), { key, namespace, name, uid, resourceVersion, generation });
    }
  }

  /** All that are refused now, by id. */
  refused(refusals: ReadonlyMap<string, Refusal>): void {
    const before = this.#told;
    this.#told = new Map();
    let isNews = false;
    for (const [id, refusal] of refusals) {
      const revision = this.#revisions.get(id);
      if (!revision) continue;
      const identity = [revision.uid, revision.resourceVersion, refusal.code, refusal.enforced].join(' ');
      const known = before.get(identity);
      isNews ||= !known;
      this.#told.set(identity, known ?? { refusal, revision, count: 0, due: 0 });
    }
    const namespaces = new Set(this.#told.values().map(({ revision }) => revision.namespace));
    this.#tried = new Map(this.#tried.entries().filter(([namespace]) => namespaces.has(namespace)));
    if (isNews) this.#wake.resolve();
  }

  close(): void {
    this.#closing.abort();
    this.#wake.resolve();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const due = this.#due();
      if (!due) {
        this.#wake = Promise.withResolvers<void>();
        // Also looks after what is to be told of again, or tried again.
        await Promise.race([this.#wake.promise, this.#wait(this.#pace.retryMs)]);
        continue;
      }
      this.#tried.set(due[1].revision.namespace, performance.now());
      const isWritten = await this.#write(due);
      due[1].due = performance.now() + (isWritten ? this.#pace.renewMs : this.#pace.retryMs);
      await this.#wait(this.#pace.gapMs);
    }
  }

  async #wait(milliseconds: number): Promise<void> {
    const { signal } = this.#closing;
    // It must not keep the process.
    await delay(milliseconds, undefined, { signal, ref: false }).catch(() => undefined);
  }

  /** Of the namespace whose turn was the longest ago: nobody waits until thousands of somebody else's are told. */
  #due(): readonly [identity: string, told: Told] | undefined {
    const now = performance.now();
    const turn = ({ revision }: Told): number => this.#tried.get(revision.namespace) ?? -1;
    return this.#told
      .entries()
      .filter(([, { due }]) => due <= now)
      .reduce<readonly [string, Told] | undefined>(
        (first, one) => (first && turn(first[1]) <= turn(one[1]) ? first : one),
        undefined,
      );
  }

  /** Whether that is settled. */
  async #write([identity, told]: readonly [string, Told]): Promise<boolean> {
    const { client, onResult } = this.#options;
    const { namespace } = told.revision;
    const event = this.#event(identity, told);
    const { name } = event.metadata;
    try {
      const isNew = told.count === 0 && (await this.#create(namespace, event));
      if (!isNew) {
        const count = Math.max(2, told.count + 1);
        const series = { count, lastObservedTime: event.eventTime };
        await client.patch(events, { namespace, name }, { series });
      }
      told.count = isNew ? 1 : Math.max(2, told.count + 1);
    } catch (error) {
      if (!(error instanceof BulkheadError)) throw error;
      // Forgotten by the server: it begins anew.
      if (error instanceof ApiError && error.status === 404 && told.count > 0) told.count = 0;
      onResult(error);
      return false;
    }
    onResult(undefined);
    return true;
  }

  /** False: it is there already, from an agent before this one. */
  async #create(namespace: string, event: object): Promise<boolean> {
    try {
      await this.#options.client.create(events, { namespace }, event);
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.reason === 'AlreadyExists') return false;
      throw error;
    }
  }

  #event(identity: string, { refusal, revision }: Told) {
    const { node } = this.#options;
    const { namespace, name, uid, resourceVersion } = revision;
    const digest = createHash('sha256').update(`${node} ${identity}`).digest('hex').slice(0, 16);
    return {
      apiVersion: `${events.group}/${events.version}`,
      kind: 'Event',
      // A name has at most 253 characters, and each of its parts ends with a letter or digit.
      metadata: { namespace, name: `${name.slice(0, 200).replace(/[-.]+$/, '')}.${digest}` },
      eventTime: new Date().toISOString().replace('Z', '000Z'),
      reportingController: 'bulkhead.io/agent',
      reportingInstance: node.slice(0, 128),
      action: 'Enforce',
      reason: 'PolicyRefused',
      type: 'Warning',
      note: noteOf(node, refusal),
      regarding: {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        namespace,
        name,
        uid,
        resourceVersion,
      },
      related: { apiVersion: 'v1', kind: 'Node', name: node },
    };
  }
}

const instead = {
  previous: 'the version before it goes on',
  closed: 'the pods that it selects are closed',
} as const;

/** In bytes, as the API server counts. */
const maxNote = 1024;

function noteOf(node: string, { code, message, hint, enforced }: Refusal): string {
  const advice = hint === undefined ? '' : ` ${hint}`;
  const note = `Node ${node} refuses this policy; ${instead[enforced]}. ${code}: ${message}.${advice}`;
  const bytes = Buffer.from(note);
  if (bytes.length <= maxNote) return note;
  // A character that is cut in two becomes a replacement character.
  return `${bytes
    .subarray(0, maxNote - 8)
    .toString('utf8')
    .replace(/\ufffd$/, '')}…`;
}
