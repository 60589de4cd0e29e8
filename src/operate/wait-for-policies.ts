/** Waits until each node enforces policies as they stand, or has them no more: watches, and asks for nothing twice. */
import { setTimeout as delay } from 'node:timers/promises';
import type { NodePolicyStatus } from '../agent/node-status.ts';
import { BulkheadError, failure } from '../errors.ts';
import { ApiError } from '../kubernetes/api-error.ts';
import type { KubernetesClient } from '../kubernetes/client.ts';
import type { ObjectChange, ReflectorState } from '../kubernetes/observer.ts';
import { Reflector, type ReflectorOptions } from '../kubernetes/reflector.ts';
import { compareResourceVersions } from '../kubernetes/resource-version.ts';
import { networkPolicies, nodes } from '../kubernetes/resource.ts';
import { deletionRevision } from './deletion-revision.ts';
import { decodeStatus, listedNodes, listedPolicy, nodeStatuses, orNotInstalled } from './listed-objects.ts';
import { policyReports } from './policy-rollout.ts';
import type { ListedNode, ListedPolicy, PolicyReport } from './policy-rollout.ts';

export type WaitGoal = 'realised' | 'deleted';

export interface PolicyName {
  readonly namespace: string;
  readonly name: string;
}

export interface WaitReport {
  readonly goal: WaitGoal;
  /** Every node has reached it, for every policy. */
  readonly done: boolean;
  /** Absent: the time was enough to know. */
  readonly timedOutAfterMs?: number;
  /** For `deleted`, `realised` names the nodes that have the policy no more. */
  readonly policies: readonly PolicyReport[];
}

export interface WaitOptions {
  readonly client: KubernetesClient;
  readonly policies: readonly PolicyName[];
  readonly goal: WaitGoal;
  readonly timeoutMs: number;
  /** After each change. */
  readonly progress: (report: WaitReport) => void;
}

/** What is known of a policy that is waited for; undefined: nothing yet. */
type Target =
  | { readonly kind: 'there'; readonly policy: ListedPolicy }
  /** `revision`: of its deletion; undefined: it is being found out. */
  | { readonly kind: 'gone'; readonly revision: string | undefined }
  | undefined;

/** Heartbeats grow old without anybody telling. */
const lookAgainMs = 1000;

/** An agent that has just begun says what it enforces half a second after it does; until then its node says what the one before did. */
const refusalStandsMs = 2000;

/**
 * Ends early where waiting is of no use: when no node is behind any more, and some have refused and go on refusing.
 * @throws BulkheadError KUBERNETES_…, BULKHEAD_NOT_INSTALLED, POLICY_NOT_FOUND
 */
export async function waitForPolicies(options: WaitOptions): Promise<WaitReport> {
  const wait = new Wait(options);
  try {
    return await wait.outcome;
  } finally {
    wait.close();
  }
}

class Wait {
  readonly outcome: Promise<WaitReport>;
  readonly #options: WaitOptions;
  readonly #targets = new Map<string, Target>();
  readonly #nodes = new Set<string>();
  readonly #statuses = new Map<string, NodePolicyStatus>();
  readonly #reflectors: readonly Pick<Reflector<unknown>, 'close'>[];
  readonly #closing = new AbortController();
  readonly #settle: PromiseWithResolvers<WaitReport>;
  /** Since when nothing but refusals has been left. */
  #refusedSince: number | undefined;
  /** Reflectors that have not delivered their first list. */
  #unsynced: number;

  constructor(options: WaitOptions) {
    this.#options = options;
    this.#settle = Promise.withResolvers<WaitReport>();
    this.outcome = this.#settle.promise;
    const { policies } = options;
    for (const policy of policies) this.#targets.set(keyOf(policy), undefined);
    this.#unsynced = 2 + policies.length;
    this.#reflectors = [
      ...policies.map((policy) => this.#followPolicy(policy)),
      this.#follow({
        resource: nodes,
        decode: () => true,
        take: ({ key, now }) => void (now ? this.#nodes.add(key) : this.#nodes.delete(key)),
      }),
      this.#follow({
        resource: nodeStatuses,
        decode: decodeStatus,
        take: ({ key, now }) => void (now ? this.#statuses.set(key, now) : this.#statuses.delete(key)),
      }),
    ];
    void this.#tick();
  }

  close(): void {
    this.#closing.abort();
    for (const reflector of this.#reflectors) reflector.close();
  }

  async #tick(): Promise<void> {
    const { timeoutMs } = this.#options;
    const { signal } = this.#closing;
    const end = performance.now() + timeoutMs;
    for (;;) {
      const left = end - performance.now();
      await delay(Math.max(0, Math.min(left, lookAgainMs)), undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      this.#look();
      if (performance.now() < end) continue;
      this.#settle.resolve({ ...this.#report(), timedOutAfterMs: timeoutMs });
      return;
    }
  }

  #followPolicy(policy: PolicyName): Reflector<ListedPolicy> {
    const key = keyOf(policy);
    return this.#follow({
      resource: networkPolicies,
      namespace: policy.namespace,
      fieldSelector: `metadata.name=${policy.name}`,
      decode: listedPolicy,
      take: ({ now, resourceVersion }) => {
        const target: Target = now
          ? { kind: 'there', policy: now }
          : { kind: 'gone', revision: resourceVersion };
        this.#targets.set(key, target);
      },
      synced: (gone) => {
        if (this.#targets.get(key)) return;
        this.#targets.set(key, { kind: 'gone', revision: undefined });
        if (this.#options.goal === 'deleted') void this.#findDeletion(policy, gone);
      },
    });
  }

  #follow<T>({
    take,
    synced,
    ...rest
  }: Omit<ReflectorOptions<T>, 'client' | 'observer'> & {
    readonly take: (change: ObjectChange<T>) => void;
    readonly synced?: (resourceVersion: string) => void;
  }): Reflector<T> {
    return new Reflector<T>({
      ...rest,
      client: this.#options.client,
      observer: {
        changed: ({ changes }) => {
          for (const change of changes) take(change);
          this.#look();
        },
        synced: (resourceVersion) => {
          synced?.(resourceVersion);
          this.#unsynced -= 1;
          this.#look();
        },
        state: (state) => this.#noteState(state),
      },
    });
  }

  /** Once something has been read, a server that goes away may come back; one that forbids, or has no such thing, will not. */
  #noteState({ error, synced }: ReflectorState): void {
    if (!error) return;
    const isFinal = error instanceof ApiError && [401, 403, 404].includes(error.status);
    if (!synced || isFinal) this.#settle.reject(orNotInstalled(error));
  }

  /** Waits for the first reports of nodes: no revision is older than theirs. */
  async #findDeletion(policy: PolicyName, gone: string): Promise<void> {
    const { signal } = this.#closing;
    try {
      while (this.#unsynced > 0) await delay(20, undefined, { signal });
      const since = oldest(
        [...this.#statuses.values()].map((one) => one.realisedResourceVersion),
        gone,
      );
      const { client } = this.#options;
      const revision =
        since === gone ? gone : await deletionRevision(client, policy, { since, gone, signal });
      if (this.#targets.get(keyOf(policy))?.kind !== 'gone') return;
      this.#targets.set(keyOf(policy), { kind: 'gone', revision });
      this.#look();
    } catch (error) {
      if (!signal.aborted) this.#settle.reject(error);
    }
  }

  #look(): void {
    if (this.#unsynced > 0 || this.#closing.signal.aborted) return;
    const missing = [...this.#targets].find(([, target]) => target?.kind === 'gone');
    if (missing && this.#options.goal === 'realised') {
      this.#settle.reject(notFound(missing[0]));
      return;
    }
    const report = this.#report();
    this.#options.progress(report);
    const isPending = report.policies.some(({ pending }) => pending.length > 0);
    const isRefused = !isPending && report.policies.some(({ refused }) => refused.length > 0);
    this.#refusedSince = isRefused ? (this.#refusedSince ?? performance.now()) : undefined;
    const stands = performance.now() - (this.#refusedSince ?? -Infinity) >= refusalStandsMs;
    if (!isPending && stands) this.#settle.resolve(report);
  }

  #report(): WaitReport {
    const { goal } = this.#options;
    const listed = listedNodes(this.#nodes, this.#statuses);
    const policies = [...this.#targets].map(([key, target]) => reportOn({ key, target, goal, listed }));
    const isReached = ({ pending, refused }: PolicyReport): boolean => pending.length + refused.length === 0;
    return { goal, done: this.#unsynced === 0 && listed.length > 0 && policies.every(isReached), policies };
  }
}

interface Question {
  readonly key: string;
  readonly target: Target;
  readonly goal: WaitGoal;
  readonly listed: readonly ListedNode[];
}

function reportOn({ key, target, goal, listed }: Question): PolicyReport {
  const pending = (reason: string, since = ''): PolicyReport => ({
    policy: key,
    realised: [],
    pending: listed.map(({ name }) => ({ node: name, reason, since })),
    refused: [],
  });
  if (!target) return pending('the API server has not answered');
  if (target.kind === 'there' && goal === 'deleted') {
    return pending('the policy is still there', target.policy.changed);
  }
  if (target.kind === 'gone' && target.revision === undefined)
    return pending('when it was deleted is not known yet');
  const wanted: ListedPolicy =
    target.kind === 'there' ? target.policy : { key, resourceVersion: target.revision ?? '', changed: '' };
  const [report] = policyReports(listed, [wanted], Date.now());
  return report ?? pending('');
}

/** Of the versions that can be compared with `newest`, the oldest; versions that are no older count as it. */
function oldest(versions: readonly string[], newest: string): string {
  return versions.reduce(
    (least, version) => ((compareResourceVersions(version, least) ?? 0) < 0 ? version : least),
    newest,
  );
}

export function keyOf({ namespace, name }: PolicyName): string {
  return `${namespace}/${name}`;
}

function notFound(key: string): BulkheadError {
  return new BulkheadError(
    failure('POLICY_NOT_FOUND', `there is no NetworkPolicy ${key}`, {
      hint: 'Check name, namespace and context; --for=deleted waits until it is gone from every node.',
    }),
  );
}
