/**
 * Within a set, the identities that the same rules match form a class. Identities are found from the rules' peers
 * (never by asking every identity), and each carries the list of the rules that have matched it so far; those lists
 * are shared, so that a class is computed once per distinct list. A set whose rules reach the same identities as in
 * the compile before keeps its classes.
 */
import { ClassEntries } from './class-entries.ts';
import type { NamedPorts, PortName, PredicateId } from './predicates.ts';
import type { ClassEntry, ClassId, IdentityId, SetId } from './program.ts';
import { resolve } from './sections.ts';
import type { CompiledRule } from './sections.ts';

export interface Identity {
  readonly id: IdentityId;
  /** Ascending. */
  readonly predicates: readonly PredicateId[];
  /** Those that egress rules mention. */
  readonly ports: NamedPorts;
}

export interface RuleTier {
  readonly rules: readonly CompiledRule[];
  readonly denies: boolean;
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
  readonly reached: readonly (readonly IdentityId[])[];
  /** Of the class entries. */
  readonly keys: readonly string[];
}

type Lists<K> = ReadonlyMap<K, readonly IdentityId[]>;

export class ClassTables {
  readonly #entries = new ClassEntries();
  #identities: ReadonlyMap<IdentityId, Identity> = new Map();
  #satisfying: Lists<PredicateId> = new Map();
  #naming: Lists<PortName> = new Map();
  #current = new Map<SetId, Classified>();
  #previous: ReadonlyMap<SetId, Classified> = new Map();

  startRound(identities: ReadonlyMap<IdentityId, Identity>): void {
    this.#entries.startRound();
    this.#previous = this.#current;
    this.#current = new Map();
    this.#identities = identities;
    this.#satisfying = listBy(identities, ({ predicates }) => predicates, this.#satisfying);
    this.#naming = listBy(identities, ({ ports }) => ports.keys(), this.#naming);
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
    const matched = new Map<IdentityId, Matched>();
    for (const { rules } of tiers) {
      for (const rule of rules) {
        for (const list of this.#reachedBy(rule)) {
          for (const id of list) matched.set(id, extend(matched.get(id) ?? nothing, rule));
        }
      }
    }
    const named = tiers.some(({ rules }) => rules.some((rule) => rule.named));
    const fallback = this.#entryFor(tiers, nothing, { ports: new Map(), keys });
    const ids = new Map<IdentityId, ClassId>();
    const entries = new Set<ClassEntry>();
    const assign = (id: IdentityId, entry: ClassEntry) => {
      ids.set(id, entry.id);
      entries.add(entry);
    };
    if (fallback.ports.length > 0) assign(0, fallback);
    for (const [id, rules] of matched) {
      const ports: NamedPorts = (named && this.#identities.get(id)?.ports) || new Map();
      const portsKey = named ? JSON.stringify([...ports]) : '';
      let entry = rules.classes.get(portsKey);
      if (!entry) rules.classes.set(portsKey, (entry = this.#entryFor(tiers, rules, { ports, keys })));
      if (entry !== fallback) assign(id, entry);
    }
    return { ids, entries };
  }

  /** Identities for which the rule may match something that it doesn't match for everybody. */
  #reachedBy({ peers, ports, named }: CompiledRule): (readonly IdentityId[])[] {
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
    const matching = tiers.map(({ rules, denies }) => ({
      denies,
      rules: rules.filter((rule) => rule.peers === 'any' || reached.has(rule)),
    }));
    const named = matching.some(({ rules }) => rules.some((rule) => rule.named));
    const effects = matching.map(({ denies, rules }) =>
      [denies, ...rules.map(({ effect }) => effect)].join(';'),
    );
    const key = `${effects.join('|')}${named ? JSON.stringify([...destination]) : ''}`;
    keys.push(key);
    return this.#entries.intern(key, () =>
      matching.map(({ denies, rules }) => ({
        denies,
        rules: rules.map(({ id, action, ports }) => ({ id, action, ports: resolve(ports, destination) })),
      })),
    );
  }
}

const nobody: readonly IdentityId[] = [];

/** A rule that reaches an identity by several peers counts once. */
function extend(matched: Matched, rule: CompiledRule): Matched {
  if (matched.rule === rule) return matched;
  let next = matched.after.get(rule);
  if (!next)
    matched.after.set(rule, (next = { rule, before: matched, after: new Map(), classes: new Map() }));
  return next;
}

/** The identities under each of their keys. A list that is as it was before is the same array. */
function listBy<K>(
  identities: ReadonlyMap<IdentityId, Identity>,
  keysOf: (identity: Identity) => Iterable<K>,
  before: Lists<K>,
): Lists<K> {
  const lists = new Map<K, IdentityId[]>();
  for (const identity of identities.values()) {
    for (const key of keysOf(identity)) {
      const list = lists.get(key);
      if (list) list.push(identity.id);
      else lists.set(key, [identity.id]);
    }
  }
  const kept = new Map<K, readonly IdentityId[]>();
  for (const [key, list] of lists) {
    const old = before.get(key);
    kept.set(key, old && sameItems(old, list) ? old : list);
  }
  return kept;
}

function sameItems<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}
