/** Which rules of a set make up a class, and their meaning as text. */
import type { MatchedTier } from './port-table.ts';
import type { NamedPorts } from './predicates.ts';
import { resolve } from './sections.ts';
import type { CompiledRule } from './sections.ts';

export interface RuleTier {
  readonly rules: readonly CompiledRule[];
  readonly denies: boolean;
}

export interface ClassRules {
  /** Equal only for equal rules. */
  readonly key: string;
  readonly tiers: () => readonly MatchedTier[];
}

/** Of the rules that reach an identity, and those for any peer; port names are resolved on `destination`. */
export function classRules(
  tiers: readonly RuleTier[],
  reaching: ReadonlySet<CompiledRule>,
  destination: NamedPorts,
): ClassRules {
  const matching = tiers.map(({ rules, denies }) => ({
    denies,
    rules: rules.filter((rule) => rule.peers === 'any' || reaching.has(rule)),
  }));
  const named = matching.some(({ rules }) => rules.some((rule) => rule.named));
  const effects = matching.map(({ denies, rules }) =>
    [denies, ...rules.map(({ effect }) => effect)].join(';'),
  );
  return {
    key: `${effects.join('|')}${named ? JSON.stringify([...destination]) : ''}`,
    tiers: () =>
      matching.map(({ denies, rules }) => ({
        denies,
        rules: rules.map(({ id, action, ports }) => ({ id, action, ports: resolve(ports, destination) })),
      })),
  };
}
