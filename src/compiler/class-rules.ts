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

/** A rule with its place among those of its set. */
interface Placed {
  readonly rule: CompiledRule;
  readonly tier: number;
  readonly place: number;
}

interface Places {
  readonly of: ReadonlyMap<CompiledRule, Placed>;
  readonly forAnyPeer: readonly Placed[];
}

/** A set of many rules has as many classes: none of them may cost a look at every rule. */
const placesOf = new WeakMap<readonly RuleTier[], Places>();

/** Of the rules that reach an identity, and those for any peer; port names are resolved on `destination`. */
export function classRules(
  tiers: readonly RuleTier[],
  reaching: ReadonlySet<CompiledRule>,
  destination: NamedPorts,
): ClassRules {
  const matching = matchingTiers(tiers, reaching);
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

function matchingTiers(tiers: readonly RuleTier[], reaching: ReadonlySet<CompiledRule>): RuleTier[] {
  let places = placesOf.get(tiers);
  if (!places) placesOf.set(tiers, (places = placesIn(tiers)));
  const reached = [...reaching].flatMap((rule) => {
    const placed = places.of.get(rule);
    return placed && rule.peers !== 'any' ? [placed] : [];
  });
  const ordered = [...places.forAnyPeer, ...reached].sort((a, b) => a.place - b.place);
  return tiers.map(({ denies }, index) => ({
    denies,
    rules: ordered.filter(({ tier }) => tier === index).map(({ rule }) => rule),
  }));
}

function placesIn(tiers: readonly RuleTier[]): Places {
  const placed = tiers.flatMap(({ rules }, tier) => rules.map((rule) => ({ rule, tier })));
  const all = placed.map((one, place) => ({ ...one, place }));
  return {
    of: new Map(all.map((one) => [one.rule, one])),
    forAnyPeer: all.filter(({ rule }) => rule.peers === 'any'),
  };
}
