/**
 * How the agent is, for probes and for people. Three questions, as Kubernetes asks them:
 *   live     does the process still do its work (else restart it)?
 *   ready    does the kernel enforce what the API server said once (else don't count on this node)?
 *   healthy  is it ready, and is nothing wrong or stale?
 * A condition that lasts is `degraded`; it never stops enforcement.
 */
export const conditionNames = ['api', 'datapath', 'policies', 'network', 'gate', 'status'] as const;
export type ConditionName = (typeof conditionNames)[number];

export interface Condition {
  readonly ok: boolean;
  /** CamelCase, for machines. */
  readonly reason: string;
  readonly message: string;
  /** When `ok` last changed; milliseconds since the epoch. */
  readonly since: number;
}

export class Health {
  readonly #conditions = new Map<ConditionName, Condition>();
  readonly #stallMs: number;
  #beat = performance.now();
  #ready = false;

  /** `stallMs`: without a beat for so long, the process counts as stuck. */
  constructor({ stallMs }: { readonly stallMs: number }) {
    this.#stallMs = stallMs;
  }

  /** To be called from the event loop again and again. */
  beat(): void {
    this.#beat = performance.now();
  }

  setReady(): void {
    this.#ready = true;
  }

  /** True if that is news. */
  set(name: ConditionName, { ok, reason, message }: Omit<Condition, 'since'>, now = Date.now()): boolean {
    const known = this.#conditions.get(name);
    const since = known?.ok === ok ? known.since : now;
    this.#conditions.set(name, { ok, reason, message, since });
    return known?.ok !== ok || known.reason !== reason;
  }

  get conditions(): ReadonlyMap<ConditionName, Condition> {
    return this.#conditions;
  }

  get live(): boolean {
    return performance.now() - this.#beat < this.#stallMs;
  }

  get ready(): boolean {
    return this.#ready;
  }

  get degraded(): boolean {
    return this.#conditions.values().some(({ ok }) => !ok);
  }

  get healthy(): boolean {
    return this.live && this.#ready && !this.degraded;
  }

  /** As the kubelet and people read it: `[+]api ok`, `[-]datapath: Full: …`. */
  report(): string {
    const lines = [...this.#conditions].map(([name, { ok, reason, message }]) =>
      ok ? `[+]${name} ok` : `[-]${name}: ${reason}: ${message}`,
    );
    return [
      this.#ready ? '[+]synced ok' : '[-]synced: the first full sync is still to come',
      ...lines,
      '',
    ].join('\n');
  }
}
