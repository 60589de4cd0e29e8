/**
 * What the datapaths of a node have counted, one after the other: each begins with nothing, but who reads counters takes one
 * that goes back for another agent. So what is read is added up, and less than before means that a counter has begun anew.
 */
import type { RuleId } from '../compiler/program.ts';
import { reasons } from '../datapath/datapath.ts';
import type { Counter, Counters, DatapathReason } from '../datapath/datapath.ts';
import type { Origin } from '../policy/ir.ts';

type Origins = ReadonlyMap<RuleId, Origin>;

const zero: Counter = { packets: 0n, bytes: 0n };

class RunningCounter {
  #last = zero;
  #total = zero;

  get total(): Counter {
    return this.#total;
  }

  take(now: Counter): void {
    const { packets, bytes } =
      now.packets < this.#last.packets || now.bytes < this.#last.bytes ? zero : this.#last;
    this.#total = {
      packets: this.#total.packets + now.packets - packets,
      bytes: this.#total.bytes + now.bytes - bytes,
    };
    this.#last = now;
  }

  startAnew(): void {
    this.#last = zero;
  }
}

export class RunningCounters {
  readonly #rules = new Map<RuleId, { readonly origin: Origin; readonly counter: RunningCounter }>();
  readonly #reasons = new Map(
    reasons.map((reason) => [reason, { allowed: new RunningCounter(), denied: new RunningCounter() }]),
  );
  /** In place of packets. */
  readonly #lost = new RunningCounter();

  /** What the datapath has counted since it began; `origins`: the rules that there are. */
  take(counters: Counters, origins: Origins): void {
    for (const [rule, { origin, counter }] of this.#rules) {
      const now = origins.get(rule);
      if (!now || !isSame(now, origin)) this.#rules.delete(rule);
      else counter.take(counters.rules.get(rule) ?? zero);
    }
    for (const [rule, counted] of counters.rules) {
      const origin = origins.get(rule);
      if (!origin || this.#rules.has(rule)) continue;
      const counter = new RunningCounter();
      counter.take(counted);
      this.#rules.set(rule, { origin, counter });
    }
    for (const [reason, { allowed, denied }] of this.#reasons) {
      allowed.take(counters.reasons[reason].allowed);
      denied.take(counters.reasons[reason].denied);
    }
    this.#lost.take({ packets: counters.lostEvents, bytes: 0n });
  }

  /** Another datapath counts from now on. */
  startAnew(): void {
    for (const { counter } of this.#rules.values()) counter.startAnew();
    for (const { allowed, denied } of this.#reasons.values()) {
      allowed.startAnew();
      denied.startAnew();
    }
    this.#lost.startAnew();
  }

  get totals(): Counters {
    const byReason = this.#reasons
      .entries()
      .map(
        ([reason, { allowed, denied }]) =>
          [reason, { allowed: allowed.total, denied: denied.total }] as const,
      );
    return {
      rules: new Map(this.#rules.entries().map(([rule, { counter }]) => [rule, counter.total])),
      reasons: Object.fromEntries(byReason) as Record<DatapathReason, { allowed: Counter; denied: Counter }>,
      lostEvents: this.#lost.total.packets,
    };
  }
}

/** An id is given to another rule when it has been free for a while. */
function isSame(a: Origin, b: Origin): boolean {
  return (
    a.name === b.name &&
    a.namespace === b.namespace &&
    a.direction === b.direction &&
    a.ruleIndex === b.ruleIndex
  );
}
