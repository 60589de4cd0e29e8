/** The ordered tiers that one subject pod sees in one direction, and how they decide. */
import type { Cluster, Pod } from '../objects/model.ts';
import type { Direction, Origin, Policy, Rule } from './ir.ts';
import { matchesPod } from './match.ts';

export interface Tier {
  /** In the order in which they are asked. */
  readonly rules: readonly Rule[];
  /** The policies that make the tier deny what no rule matches; empty: the next tier is asked. */
  readonly isolatedBy: readonly Origin[];
}

export type Decision =
  | { readonly kind: 'rule'; readonly rule: Rule }
  | { readonly kind: 'default-deny' }
  /** Nothing decided: allowed. */
  | { readonly kind: 'end' };

interface SubjectInDirection {
  readonly subject: Pod;
  readonly direction: Direction;
}

export function tiersOf(
  cluster: Cluster,
  policies: readonly Policy[],
  { subject, direction }: SubjectInDirection,
): readonly Tier[] {
  const selecting = policies
    .filter((policy) => policy[direction] !== undefined && matchesPod(cluster, policy.subject, subject))
    .toSorted(byTierOrderId);
  return [...Map.groupBy(selecting, (policy) => policy.tier).values()].map((members) => {
    const sections = members.flatMap((policy) => policy[direction] ?? []);
    return {
      rules: sections.flatMap((section) => section.rules),
      isolatedBy: sections.filter((section) => section.default === 'deny').map((section) => section.origin),
    };
  });
}

/** Asks the tiers in order; `matches` says whether a rule matches the flow in question. */
export function firstMatch(tiers: readonly Tier[], matches: (rule: Rule) => boolean): Decision {
  for (const tier of tiers) {
    const rule = tier.rules.find(matches);
    if (rule?.action === 'pass') continue;
    if (rule) return { kind: 'rule', rule };
    if (tier.isolatedBy.length > 0) return { kind: 'default-deny' };
  }
  return { kind: 'end' };
}

/** Ids are compared by code unit, so that the order depends on no locale. */
function byTierOrderId(a: Policy, b: Policy): number {
  return a.tier - b.tier || a.order - b.order || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}
