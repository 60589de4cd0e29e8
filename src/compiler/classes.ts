/**
 * Within a set, the identities that the same rules match form a class. Identities are found from the rules' peers
 * (never by asking every identity), and each carries the list of the rules that have matched it so far; those lists
 * are shared, so that a class is computed once per distinct list. A set whose rules reach the same identities as in
 * the compile before keeps its classes.
 */
import { ClassEntries } from './class-entries.ts';
import { classRules } from './class-rules.ts';
import type { RuleTier } from './class-rules.ts';
import type { NamedPorts, PortName, PredicateId } from './predicates.ts';
import type { ClassEntry, ClassId, IdentityId, SetId } from './program.ts';
import type { CompiledRule } from './sections.ts';

export interface Identity {
  readonly id: IdentityId;
  /** Ascending. */
  readonly predicates: readonly PredicateId[];
  /** Those that egress rules mention. */
  readonly ports: NamedPorts;
}

export interface Classification {
  /** What is missing gets the class of identity 0, and if that is missing, is denied. */
  readonly ids: ReadonlyMap<IdentityId, ClassId>;
  /** Those that `ids` names. */
  readonly entries: ReadonlySet<ClassEntry>;
}

/** The rules that matched, newest first, and what became of it. */
interface Matched {
  readonly rule?: CompiledRule;
  readonly before?: Matched;
  readonly after: Map<CompiledRule, Matched>;
  /** By the numbers of the identity's named ports where they matter, else by ''. */
  readonly classes: Map<string, ClassEntry>;
}

interface Classified {
  readonly classes: Classification;
  /** The identities that each rule reached: the same arrays, the same classes. */
  readonly reached: readonly (readonly Member[])[];
  /** Of the class entries. */
  readonly keys: readonly string[];
}

/** An identity as long as it lives: the same object from one compile to the next. */
interface Member {
  readonly id: IdentityId;
  readonly ports: NamedPorts;
  /** Only while a set is being classified. */
  matched: Matched | undefined;
}

type Lists<K> = ReadonlyMap<K, readonly Member[]>;

export class ClassTables {
  readonly #entries = new ClassEntries();
  #members: ReadonlyMap<IdentityId, Member> = new Map();
  #satisfying: Lists<PredicateId> = new Map();
  #naming: Lists<PortName> = new Map();
  #current = new Map<SetId, Classified>();
  #previous: ReadonlyMap<SetId, Classified> = new Map();

  startRound(identities: ReadonlyMap<IdentityId, Identity>): void {
    this.#entries.startRound();
    this.#previous = this.#current;
    this.#current = new Map();
    const members = new Map<IdentityId, Member>();
    const satisfying = new Map<PredicateId, Member[]>();
    const naming = new Map<PortName, Member[]>();
    for (const { id, predicates, ports } of identities.values()) {
      const member = this.#members.get(id) ?? { id, ports, matched: undefined };
      members.set(id, member);
      for (const predicate of predicates) append(satisfying, predicate, member);
      for (const name of ports.keys()) append(naming, name, member);
    }
    this.#members = members;
    this.#satisfying = keepEqual(this.#satisfying, satisfying);
    this.#naming = keepEqual(this.#naming, naming);
  }

  takeBackRound(): void {
    this.#entries.takeBackRound();
    this.#current = new Map(this.#previous);
  }

  /** Equal `set`s must have equal tiers. */
  classify(set: SetId, tiers: readonly RuleTier[]): Classification {
    const reached = tiers.flatMap(({ rules }) => rules.flatMap((rule) => this.#reachedBy(rule)));
    const before = this.#previous.get(set);
    if (before && sameItems(before.reached, reached)) {
      for (const key of before.keys) this.#entries.keep(key);
      this.#current.set(set, before);
      return before.classes;
    }
    const keys: string[] = [];
    const classes = this.#classify(tiers, keys);
    this.#current.set(set, { classes, reached, keys });
    return classes;
  }

  #classify(tiers: readonly RuleTier[], keys: string[]): Classification {
    const nothing: Matched = { after: new Map(), classes: new Map() };
    const touched: Member[] = [];
    for (const { rules } of tiers) {
      for (const rule of rules) {
        for (const list of this.#reachedBy(rule)) {
          for (const member of list) {
            if (!member.matched) touched.push(member);
            member.matched = extend(member.matched ?? nothing, rule);
          }
        }
      }
    }
    const named = tiers.some(({ rules }) => rules.some((rule) => rule.named));
    const fallback = this.#entryFor(tiers, nothing, { ports: noPorts, keys });
    const ids = new Map<IdentityId, ClassId>();
    const entries = new Set<ClassEntry>();
    if (fallback.ports.length > 0) {
      ids.set(0, fallback.id);
      entries.add(fallback);
    }
    for (const member of touched) {
      const { matched = nothing } = member;
      member.matched = undefined;
      const ports = named ? member.ports : noPorts;
      const portsKey = ports.size > 0 ? JSON.stringify([...ports]) : '';
      let entry = matched.classes.get(portsKey);
      if (!entry) {
        matched.classes.set(portsKey, (entry = this.#entryFor(tiers, matched, { ports, keys })));
        if (entry !== fallback) entries.add(entry);
      }
      if (entry !== fallback) ids.set(member.id, entry.id);
    }
    return { ids, entries };
  }

  /** Identities for which the rule may match something that it doesn't match for everybody. */
  #reachedBy({ peers, ports, named }: CompiledRule): (readonly Member[])[] {
    if (peers !== 'any') return peers.map((predicate) => this.#satisfying.get(predicate) ?? nobody);
    if (!named || ports === 'any') return [];
    return ports.flatMap((port) => ('name' in port ? [this.#naming.get(port.name) ?? nobody] : []));
  }

  /** For the rules that match, any-peer rules included, with port names resolved on the destination. */
  #entryFor(
    tiers: readonly RuleTier[],
    matched: Matched,
    { ports: destination, keys }: { readonly ports: NamedPorts; readonly keys: string[] },
  ): ClassEntry {
    const reached = new Set<CompiledRule>();
    for (let at: Matched | undefined = matched; at?.rule; at = at.before) reached.add(at.rule);
    const { key, tiers: rules } = classRules(tiers, reached, destination);
    keys.push(key);
    return this.#entries.intern(key, rules);
  }
}

const nobody: readonly Member[] = [];
const noPorts: NamedPorts = new Map();

/** A rule that reaches an identity by several peers counts once. */
function extend(matched: Matched, rule: CompiledRule): Matched {
  if (matched.rule === rule) return matched;
  let next = matched.after.get(rule);
  if (!next)
    matched.after.set(rule, (next = { rule, before: matched, after: new Map(), classes: new Map() }));
  return next;
}

/** `next`, with the lists of `before` where they are equal. */
function keepEqual<K>(before: Lists<K>, next: Lists<K>): Lists<K> {
  const kept = new Map<K, readonly Member[]>();
  for (const [key, list] of next) {
    const old = before.get(key);
    kept.set(key, old && sameItems(old, list) ? old : list);
  }
  return kept;
}

function append<K>(lists: Map<K, Member[]>, key: K, member: Member): void {
  const list = lists.get(key);
  if (list) list.push(member);
  else lists.set(key, [member]);
}

function sameItems<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}
