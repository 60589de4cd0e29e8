/** Which rules apply to whom: the policies that select a profile, put together per direction and interned as sets. */
import type { Direction, Origin, Policy } from '../policy/ir.ts';
import type { RuleTier } from './class-rules.ts';
import type { Interner } from './interner.ts';
import { PodIndex } from './pod-index.ts';
import type { Predicates } from './predicates.ts';
import type { Profile } from './profiles.ts';
import type { RuleId, SetId } from './program.ts';
import { compileSection, resolvePorts } from './sections.ts';
import type { CompiledSection } from './sections.ts';

export interface RuleSet {
  readonly id: SetId;
  readonly tiers: readonly RuleTier[];
  readonly isolatedBy: readonly Origin[];
}

export interface Subjects {
  readonly byProfile: ReadonlyMap<Profile, Readonly<Record<Direction, SetId>>>;
  readonly sets: ReadonlyMap<SetId, RuleSet>;
}

export interface SubjectContext {
  /** Those of the policies that select somebody are registered here. */
  readonly predicates: Predicates;
  /** By ruleKey. */
  readonly ruleIds: ReadonlyMap<string, RuleId>;
  readonly sections: Interner<number>;
  readonly sets: Interner<SetId>;
}

/** `policies` in the order in which they are asked; profiles may repeat. */
export function assignSets(
  profiles: Iterable<Profile>,
  policies: readonly Policy[],
  context: SubjectContext,
): Subjects {
  const selecting = new PodIndex<number>();
  for (const [index, policy] of policies.entries()) selecting.add(policy.subject, index);
  const compiled = {
    ingress: new Map<number, CompiledSection[]>(),
    egress: new Map<number, CompiledSection[]>(),
  };
  const sets = new Map<SetId, RuleSet>();
  const byProfile = new Map<Profile, Readonly<Record<Direction, SetId>>>();

  for (const profile of new Set(profiles)) {
    const { namespace, namespaceLabels, labels } = profile;
    const indexes = selecting.find(namespace, namespaceLabels, labels).sort((a, b) => a - b);
    const setOf = (direction: Direction) =>
      intern(indexes.flatMap((index) => sectionOf(index, direction, profile)));
    byProfile.set(profile, { ingress: setOf('ingress'), egress: setOf('egress') });
  }
  return { byProfile, sets };

  /** At most one; an egress section keeps its port names, which are for each destination to resolve. */
  function sectionOf(index: number, direction: Direction, profile: Profile): CompiledSection[] {
    let sections = compiled[direction].get(index);
    if (!sections) {
      const policy = policies[index];
      const section = policy && compileSection(policy, direction, context);
      compiled[direction].set(index, (sections = section ? [section] : []));
    }
    if (direction === 'egress') return sections;
    return sections.map((section) =>
      section.rules.some(({ named }) => named) ? resolvePorts(section, profile.ports) : section,
    );
  }

  function intern(sections: readonly CompiledSection[]): SetId {
    const effective = sections.filter(({ rules, isolatedBy }) => rules.length > 0 || isolatedBy);
    if (effective.length === 0) return 0;
    const parts = effective.map(({ content }) => context.sections.intern(content, (fresh) => fresh));
    const id = context.sets.intern(parts.join(','), (fresh) => fresh);
    if (!sets.has(id)) sets.set(id, { id, ...together(effective) });
    return id;
  }
}

/** The sections of one subject, by tier, in the order in which they are asked. */
export function together(sections: readonly CompiledSection[]): Omit<RuleSet, 'id'> {
  const tiers = [...Map.groupBy(sections, ({ tier }) => tier).values()].map((members) => ({
    rules: members.flatMap(({ rules }) => rules),
    denies: members.some(({ isolatedBy }) => isolatedBy !== undefined),
  }));
  return { tiers, isolatedBy: sections.flatMap(({ isolatedBy }) => isolatedBy ?? []) };
}
