/** The table's named counters as the datapath's. */
import type { RuleId } from '../../compiler/program.ts';
import type { NamedCounter } from '../../kernel/nftables-table.ts';
import { reasons } from '../datapath.ts';
import type { Counter, Counters } from '../datapath.ts';
import { reasonCounter } from './steps.ts';

const zero: Counter = { packets: 0n, bytes: 0n };
const rulePattern = /^rule-([1-9]\d*)$/;

/** `baseline`: what they stood at when we took the table over. Rules that never decided are left out. */
export function countersOf(
  counters: readonly NamedCounter[],
  baseline: ReadonlyMap<string, NamedCounter>,
): Omit<Counters, 'lostEvents'> {
  const since = new Map(counters.map((counter) => [counter.name, less(counter, baseline.get(counter.name))]));
  const rules = new Map<RuleId, Counter>();
  for (const [name, counter] of since) {
    const rule = Number(rulePattern.exec(name)?.[1] ?? 0);
    if (rule !== 0 && counter.packets > 0n) rules.set(rule, counter);
  }
  const byReason = reasons.map((reason) => [
    reason,
    {
      allowed: since.get(reasonCounter(reason, 'allowed')) ?? zero,
      denied: since.get(reasonCounter(reason, 'denied')) ?? zero,
    },
  ]);
  return { rules, reasons: Object.fromEntries(byReason) as Counters['reasons'] };
}

/** A counter that is smaller than it was is another one of the same name, made anew. */
function less({ packets, bytes }: NamedCounter, before: NamedCounter | undefined): Counter {
  if (!before || before.packets > packets) return { packets, bytes };
  return { packets: packets - before.packets, bytes: bytes - before.bytes };
}
