/** Which rules have a counter: those that some port entry names. */
import type { Change } from '../../kernel/nftables-changes.ts';
import { counterName, ruleOf } from './decision.ts';
import { decisionsOf, ruleEntry } from './elements.ts';
import { editChanges } from './entries-of-delta.ts';
import type { PortTable } from './port-ranges.ts';

/** How many port entries have each decision of a rule; defaults have none, their counter is always there. */
export type RuleUses = ReadonlyMap<number, number>;

export function usesAfter(before: RuleUses, tables: readonly PortTable[], step: 1 | -1): RuleUses {
  const uses = new Map(before);
  for (const decision of tables.flatMap(decisionsOf)) {
    if (ruleOf(decision) === 0) continue;
    const count = (uses.get(decision) ?? 0) + step;
    if (count > 0) uses.set(decision, count);
    else uses.delete(decision);
  }
  return uses;
}

/** Counters before the entries that need them. */
export function newRules(before: RuleUses, after: RuleUses): Change[] {
  const decisions = [...after.keys()].filter((decision) => !before.has(decision));
  const rules = new Set(decisions.map(ruleOf));
  return [
    ...[...rules].map((rule): Change => ({ kind: 'add-counter', counter: counterName(rule) })),
    ...editChanges({ remove: [], add: decisions.map((decision) => ruleEntry(decision, ruleOf(decision))) }),
  ];
}

export function goneRules(before: RuleUses, after: RuleUses): Change[] {
  const decisions = [...before.keys()].filter((decision) => !after.has(decision));
  const still = new Set([...after.keys()].map(ruleOf));
  const rules = new Set(decisions.map(ruleOf).filter((rule) => !still.has(rule)));
  return [
    ...editChanges({ remove: decisions.map((decision) => ruleEntry(decision, ruleOf(decision))), add: [] }),
    ...[...rules].map((rule): Change => ({ kind: 'delete-counter', counter: counterName(rule) })),
  ];
}
