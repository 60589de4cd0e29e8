/** Policies as they are now, and what of them is compiled because a local pod is selected. */
import type { Direction, Origin, Policy } from '../../policy/ir.ts';
import type { PortName, PredicateId } from '../predicates.ts';
import { compileSection } from '../sections.ts';
import type { CompiledSection } from '../sections.ts';
import type { LivePredicates } from './live-predicates.ts';
import type { RuleIds } from './rule-ids.ts';

export interface PolicyState {
  policy: Policy;
  /** Withdrawn, or another version is in its place. */
  isGone: boolean;
  readonly sections: Partial<Record<Direction, LiveSection>>;
}

export interface LiveSection {
  /** Unlike that of any other section ever. */
  readonly serial: number;
  readonly owner: PolicyState;
  readonly direction: Direction;
  readonly compiled: CompiledSection;
  readonly predicates: readonly PredicateId[];
  readonly names: readonly PortName[];
  /** Number of rule sets that it is part of. */
  users: number;
}

export class LiveSections {
  readonly #predicates: LivePredicates;
  readonly #ruleIds: RuleIds;
  readonly #touched = new Set<LiveSection>();
  #nextSerial = 1;

  constructor(predicates: LivePredicates, ruleIds: RuleIds) {
    this.#predicates = predicates;
    this.#ruleIds = ruleIds;
  }

  /** Undefined: the policy says nothing about the direction. Kept only if somebody retains it. */
  of(owner: PolicyState, direction: Direction): LiveSection | undefined {
    const known = owner.sections[direction];
    if (known) return known;
    const predicates: PredicateId[] = [];
    const names: PortName[] = [];
    const compiled = compileSection(owner.policy, direction, {
      ruleIds: this.#ruleIds,
      predicates: {
        ofQuestion: (question) => {
          const id = this.#predicates.retain(question);
          predicates.push(id);
          return id;
        },
        portNames: {
          add: (name) => {
            this.#predicates.retainName(name);
            names.push(name);
          },
        },
      },
    });
    if (!compiled) return undefined;
    const serial = this.#nextSerial++;
    const section = { serial, owner, direction, compiled, predicates, names, users: 0 };
    owner.sections[direction] = section;
    this.#touched.add(section);
    return section;
  }

  retain(section: LiveSection): void {
    section.users += 1;
  }

  release(section: LiveSection): void {
    section.users -= 1;
    this.#touched.add(section);
  }

  settle(): void {
    for (const section of this.#touched) {
      if (section.users > 0) continue;
      const { owner, direction, predicates, names } = section;
      if (owner.sections[direction] === section) delete owner.sections[direction];
      for (const id of predicates) this.#predicates.release(id);
      for (const name of names) this.#predicates.releaseName(name);
    }
    this.#touched.clear();
  }
}

export function originsOf({ ingress, egress }: Policy): Origin[] {
  return [ingress, egress].flatMap((section) => section?.rules.map(({ origin }) => origin) ?? []);
}

/** Whether two policies, or parts of them, are written alike, wherever they are written. */
export function saysTheSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || !a || !b) return false;
  const [before, after] = [Object.entries(a), Object.entries(b)];
  return (
    before.length === after.length &&
    before.every(([key, was], index) => {
      const [otherKey, is] = after[index] ?? [];
      // A label may be called `position` too, but its value is text.
      const isElsewhere = key === 'position' && typeof was === 'object' && typeof is === 'object';
      return key === otherKey && (isElsewhere || saysTheSame(was, is));
    })
  );
}

export function byTierOrderId({ policy: a }: PolicyState, { policy: b }: PolicyState): number {
  return a.tier - b.tier || a.order - b.order || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}
