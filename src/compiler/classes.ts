/**
 * Within a set, the identities that the same rules match form a class. Identities are found from the rules' peers
 * (never by asking every identity), and each carries the list of the rules that have matched it so far; those lists
 * are shared, so that a class is computed once per distinct list.
 */
import type { NamedPorts, PortName, PredicateId } from './predicates.ts';
import type { ClassId, IdentityId } from './program.ts';
import { resolve } from './sections.ts';
import type { CompiledRule } from './sections.ts';
import type { MatchedTier } from './port-table.ts';

export interface Identity {
  readonly id: IdentityId;
  /** Ascending. */
  readonly predicates: readonly PredicateId[];
  /** Those that egress rules mention. */
  readonly ports: NamedPorts;
}

export interface SetTier {
  readonly rules: readonly CompiledRule[];
  readonly denies: boolean;
}

/** Interns the port table of the matched rules. */
export type ClassOf = (tiers: readonly MatchedTier[]) => { readonly id: ClassId; readonly empty: boolean };

/** The rules that matched, newest first, and what became of it. */
interface Matched {
  readonly rule?: CompiledRule;
  readonly before?: Matched;
  readonly after: Map<CompiledRule, Matched>;
  /** By the numbers of the identity's named ports where they matter, else by ''. */
  readonly classes: Map<string, ClassId>;
}

export class ClassTables {
  readonly #identities: readonly Identity[];
  /** Indexes into #identities. */
  readonly #satisfying = new Map<PredicateId, number[]>();
  readonly #naming = new Map<PortName, number[]>();
  /** Scratch, by index; undefined everywhere between two calls. */
  readonly #matched: (Matched | undefined)[];
  readonly #classOf: ClassOf;

  constructor(identities: readonly Identity[], classOf: ClassOf) {
    this.#identities = identities;
    this.#classOf = classOf;
    this.#matched = Array.from({ length: identities.length });
    for (const [index, { predicates, ports }] of identities.entries()) {
      for (const predicate of predicates) append(this.#satisfying, predicate, index);
      for (const name of ports.keys()) append(this.#naming, name, index);
    }
  }

  /** What identities get whose row is missing (0 and all others) is the row of identity 0; none denies. */
  classesOf(tiers: readonly SetTier[]): Map<IdentityId, ClassId> {
    const nothing: Matched = { after: new Map(), classes: new Map() };
    const touched: number[] = [];
    for (const { rules } of tiers) {
      for (const rule of rules) {
        for (const list of this.#reachedBy(rule)) {
          for (const index of list) {
            const before = this.#matched[index];
            if (before === undefined) touched.push(index);
            this.#matched[index] = extend(before ?? nothing, rule);
          }
        }
      }
    }
    const named = tiers.some(({ rules }) => rules.some((rule) => rule.named));
    const fallback = this.#classOf(matchedTiers(tiers, nothing, new Map()));
    const classes = new Map<IdentityId, ClassId>();
    if (!fallback.empty) classes.set(0, fallback.id);
    for (const index of touched) {
      const identity = this.#identities[index];
      const matched = this.#matched[index];
      this.#matched[index] = undefined;
      if (!identity || !matched) continue;
      const portsKey = named ? JSON.stringify([...identity.ports]) : '';
      let id = matched.classes.get(portsKey);
      if (id === undefined) {
        ({ id } = this.#classOf(matchedTiers(tiers, matched, identity.ports)));
        matched.classes.set(portsKey, id);
      }
      if (id !== fallback.id) classes.set(identity.id, id);
    }
    return classes;
  }

  /** Identities for which the rule may match something that it doesn't match for everybody. */
  #reachedBy({ peers, ports, named }: CompiledRule): readonly (readonly number[])[] {
    if (peers !== 'any') return peers.map((predicate) => this.#satisfying.get(predicate) ?? []);
    if (!named || ports === 'any') return [];
    return ports.map((port) => ('name' in port ? (this.#naming.get(port.name) ?? []) : []));
  }
}

/** A rule that reaches an identity by several peers counts once. */
function extend(matched: Matched, rule: CompiledRule): Matched {
  if (matched.rule === rule) return matched;
  let next = matched.after.get(rule);
  if (!next)
    matched.after.set(rule, (next = { rule, before: matched, after: new Map(), classes: new Map() }));
  return next;
}

/** The rules that match, any-peer rules included, with port names resolved on the destination. */
function matchedTiers(tiers: readonly SetTier[], matched: Matched, destination: NamedPorts): MatchedTier[] {
  const rules = new Set<CompiledRule>();
  for (let at: Matched | undefined = matched; at?.rule; at = at.before) rules.add(at.rule);
  return tiers.map((tier) => ({
    denies: tier.denies,
    rules: tier.rules
      .filter((rule) => rule.peers === 'any' || rules.has(rule))
      .map(({ id, action, ports }) => ({ id, action, ports: resolve(ports, destination) })),
  }));
}

function append<K>(map: Map<K, number[]>, key: K, value: number): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
