/**
 * Within a set, the identities that the same rules match form a class. Identities are found from the rules' peers
 * (never by asking every identity), and each carries the list of the rules that have matched it so far; those lists
 * are shared, so that a class is computed once per distinct list.
 */
import { ClassEntries } from './class-entries.ts';
import { classRules } from './class-rules.ts';
import type { RuleTier } from './class-rules.ts';
import type { NamedPorts, PortName, PredicateId } from './predicates.ts';
import type { ClassEntry, ClassId, Identity, IdentityId } from './program.ts';
import type { CompiledRule } from './sections.ts';

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

type Lists<K> = ReadonlyMap<K, readonly Identity[]>;

export class ClassTables {
  readonly #entries = new ClassEntries();
  #satisfying: Lists<PredicateId> = new Map();
  #naming: Lists<PortName> = new Map();

  startRound(identities: ReadonlyMap<IdentityId, Identity>): void {
    this.#entries.startRound();
    const satisfying = new Map<PredicateId, Identity[]>();
    const naming = new Map<PortName, Identity[]>();
    for (const identity of identities.values()) {
      for (const predicate of identity.predicates) append(satisfying, predicate, identity);
      for (const name of identity.ports.keys()) append(naming, name, identity);
    }
    this.#satisfying = satisfying;
    this.#naming = naming;
  }

  classify(tiers: readonly RuleTier[]): Classification {
    const nothing: Matched = { after: new Map(), classes: new Map() };
    const reached = new Map<Identity, Matched>();
    for (const { rules } of tiers) {
      for (const rule of rules) {
        for (const identity of this.#reachedBy(rule)) {
          reached.set(identity, extend(reached.get(identity) ?? nothing, rule));
        }
      }
    }
    const named = tiers.some(({ rules }) => rules.some((rule) => rule.named));
    const fallback = this.#entryFor(tiers, nothing, noPorts);
    const ids = new Map<IdentityId, ClassId>();
    const entries = new Set<ClassEntry>();
    if (fallback.ports.length > 0) {
      ids.set(0, fallback.id);
      entries.add(fallback);
    }
    for (const [{ id, ports: own }, matched] of reached) {
      const ports = named ? own : noPorts;
      const portsKey = ports.size > 0 ? JSON.stringify([...ports]) : '';
      let entry = matched.classes.get(portsKey);
      if (!entry) {
        matched.classes.set(portsKey, (entry = this.#entryFor(tiers, matched, ports)));
        if (entry !== fallback) entries.add(entry);
      }
      if (entry !== fallback) ids.set(id, entry.id);
    }
    return { ids, entries };
  }

  /** Identities for which the rule may match something that it doesn't match for everybody. */
  *#reachedBy({ peers, ports, named }: CompiledRule): Generator<Identity> {
    if (peers !== 'any') {
      for (const predicate of peers) yield* this.#satisfying.get(predicate) ?? [];
    } else if (named && ports !== 'any') {
      for (const port of ports) if ('name' in port) yield* this.#naming.get(port.name) ?? [];
    }
  }

  /** For the rules that match, any-peer rules included, with port names resolved on the destination. */
  #entryFor(tiers: readonly RuleTier[], matched: Matched, destination: NamedPorts): ClassEntry {
    const reached = new Set<CompiledRule>();
    for (let at: Matched | undefined = matched; at?.rule; at = at.before) reached.add(at.rule);
    const { key, tiers: rules } = classRules(tiers, reached, destination);
    return this.#entries.intern(key, rules);
  }
}

const noPorts: NamedPorts = new Map();

/** A rule that reaches an identity by several peers counts once. */
function extend(matched: Matched, rule: CompiledRule): Matched {
  if (matched.rule === rule) return matched;
  let next = matched.after.get(rule);
  if (!next)
    matched.after.set(rule, (next = { rule, before: matched, after: new Map(), classes: new Map() }));
  return next;
}

function append<K>(lists: Map<K, Identity[]>, key: K, identity: Identity): void {
  const list = lists.get(key);
  if (list) list.push(identity);
  else lists.set(key, [identity]);
}
