/** The sets that local pods have, and the class that each gives to an identity. */
import type { Origin } from '../../policy/ir.ts';
import { classRules } from '../class-rules.ts';
import type { RuleTier } from '../class-rules.ts';
import type { NamedPorts } from '../predicates.ts';
import type { ClassEntry, SetId } from '../program.ts';
import { resolvePorts } from '../sections.ts';
import type { CompiledRule, CompiledSection } from '../sections.ts';
import { together } from '../subjects.ts';
import type { ClassPool } from './class-pool.ts';
import type { LiveSection, LiveSections } from './live-policies.ts';
import { nothingAsked } from './model.ts';
import type { AskedPorts, Handle, Identity } from './model.ts';

interface KnownClass {
  readonly entry: ClassEntry;
  readonly poolKey: string;
}

/** Sets look for classes of peers that there were once when they have twice as many as they then kept, and so many more. */
const manyClasses = 4096;

const noRules: readonly number[] = [];

/** Of a set that had no room for its fallback. */
const cutClass: ClassEntry = { id: 0, ports: [] };

export class RuleSet {
  readonly id: SetId;
  readonly key: string;
  readonly sections: readonly LiveSection[];
  /** Number of profiles that have it, and of nodes that keep it spare. */
  users = 0;
  readonly #tiers: readonly RuleTier[];
  readonly #pool: ClassPool;
  readonly #rules: readonly CompiledRule[];
  /**
   * Indices of the rules by what they can reach an identity by. An any-peer rule reaches everybody, but tells
   * identities apart by the port names it asks for.
   */
  readonly #reach = new Map<Handle, number[]>();
  readonly #named: boolean;
  readonly #known = new Map<string, KnownClass>();
  #fallback: ClassEntry | undefined;
  #isCut = false;

  constructor(
    { id, key, pool }: { readonly id: SetId; readonly key: string; readonly pool: ClassPool },
    sections: readonly LiveSection[],
    compiled: readonly CompiledSection[],
  ) {
    this.id = id;
    this.key = key;
    this.sections = sections;
    this.#pool = pool;
    this.#tiers = together(compiled).tiers;
    this.#rules = this.#tiers.flatMap((tier) => tier.rules);
    this.#named = this.#rules.some((rule) => rule.named);
    for (const [index, rule] of this.#rules.entries()) {
      for (const handle of reachOf(rule)) {
        let rules = this.#reach.get(handle);
        if (!rules) this.#reach.set(handle, (rules = []));
        if (rule.peers !== 'any') rules.push(index);
      }
    }
  }

  /** An identity with none of them gets the fallback. */
  get handles(): Iterable<Handle> {
    return this.#reach.keys();
  }

  /** The policies that isolate its subjects. */
  get isolatedBy(): Origin[] {
    return this.sections.flatMap(({ compiled, owner, direction }) =>
      compiled.isolatedBy ? (owner.policy[direction]?.origin ?? []) : [],
    );
  }

  /** No profile will have it again. */
  get isStale(): boolean {
    return this.#isCut || this.sections.some(({ owner }) => owner.isGone);
  }

  get fallback(): ClassEntry {
    return (this.#fallback ??= this.#class([], nothingAsked));
  }

  classOf(identity: Identity): ClassEntry {
    if (this.#isCut) return this.fallback;
    const reaching: number[] = [];
    for (const predicate of identity.predicates) {
      for (const index of this.#reach.get(predicate) ?? noRules) reaching.push(index);
    }
    return this.#class(reaching.length > 1 ? [...new Set(reaching)] : reaching, identity.asked);
  }

  /**
   * It tells more apart than there may be rows, and must not reach a node: policies have to go, of it or of others, and it
   * is made anew with the next update.
   */
  get isCut(): boolean {
    return this.#isCut;
  }

  releaseClasses(): void {
    this.releaseOthers(() => false);
  }

  /** Those of peers that there were once. What is used is kept by one of its keys. */
  releaseOthers(isUsed: (entry: ClassEntry) => boolean): void {
    const kept = new Set<ClassEntry>();
    for (const [key, { entry, poolKey }] of this.#known) {
      if (isUsed(entry) && !kept.has(entry)) {
        kept.add(entry);
        continue;
      }
      this.#pool.release(poolKey);
      this.#known.delete(key);
    }
  }

  /** `reaching`: rules, apart from those for any peer. */
  #class(reaching: readonly number[], asked: AskedPorts): ClassEntry {
    const indices = reaching.length > 1 ? reaching.toSorted((a, b) => a - b).join() : `${reaching[0] ?? ''}`;
    const key = `${indices} ${this.#named ? asked.key : ''}`;
    let known = this.#known.get(key);
    if (!known) {
      const matching = new Set(reaching.flatMap((index) => this.#rules[index] ?? []));
      const rules = classRules(this.#tiers, matching, this.#named ? asked.ports : new Map());
      const entry = this.#pool.retain(rules);
      if (!entry) {
        this.#isCut = true;
        return this.#fallback ?? cutClass;
      }
      this.#known.set(key, (known = { entry, poolKey: rules.key }));
    }
    return known.entry;
  }
}

function reachOf({ peers, ports, named }: CompiledRule): readonly Handle[] {
  if (peers !== 'any') return peers;
  if (!named || ports === 'any') return [];
  return ports.flatMap((port) => ('name' in port ? [port.name] : []));
}

export class RuleSets {
  readonly #sections: LiveSections;
  readonly #pool: ClassPool;
  readonly #byKey = new Map<string, RuleSet>();
  readonly #touched = new Set<RuleSet>();
  #dead: RuleSet[] = [];
  #tolerated = manyClasses;
  #nextId = 1;

  constructor(sections: LiveSections, pool: ClassPool) {
    this.#sections = sections;
    this.#pool = pool;
  }

  get all(): Iterable<RuleSet> {
    return this.#byKey.values();
  }

  /** Of the sections in the order in which they are asked. Undefined: they say nothing. */
  retain(sections: readonly LiveSection[], subject: NamedPorts): RuleSet | undefined {
    const parts = sections.flatMap((section) => {
      const { compiled, direction, serial } = section;
      const asks = direction === 'ingress' && compiled.rules.some(({ named }) => named);
      const resolved = asks ? resolvePorts(compiled, subject) : compiled;
      const key = asks ? `${serial}:${resolved.content}` : `${serial}`;
      return resolved.rules.length > 0 || resolved.isolatedBy ? [{ section, resolved, key }] : [];
    });
    if (parts.length === 0) return undefined;
    const key = parts.map((part) => part.key).join(' ');
    let set = this.#byKey.get(key);
    if (!set || set.isCut) {
      const used = parts.map(({ section }) => section);
      const compiled = parts.map(({ resolved }) => resolved);
      set = new RuleSet({ id: this.#nextId++, key, pool: this.#pool }, used, compiled);
      this.#byKey.set(key, set);
      for (const section of used) this.#sections.retain(section);
    }
    this.hold(set);
    return set;
  }

  hold(set: RuleSet): void {
    set.users += 1;
  }

  release(set: RuleSet): void {
    set.users -= 1;
    this.#touched.add(set);
  }

  settle(): void {
    for (const set of this.#touched) {
      if (set.users > 0) continue;
      if (this.#byKey.get(set.key) === set) this.#byKey.delete(set.key);
      for (const section of set.sections) this.#sections.release(section);
      // No node was told what it holds, and what comes in its place needs the room.
      if (set.isCut) set.releaseClasses();
      else this.#dead.push(set);
    }
    this.#touched.clear();
  }

  /** To be called when no node needs the classes of sets that are gone. */
  bury(): void {
    for (const set of this.#dead) set.releaseClasses();
    this.#dead = [];
  }

  /** They have many classes, or no room for some. */
  get areCrowded(): boolean {
    return this.#pool.users > this.#tolerated || this.#byKey.values().some(({ isCut }) => isCut);
  }

  /** `used`: what nodes need. True if that leaves room for a set that was cut. */
  makeRoom(used: ReadonlySet<ClassEntry>): boolean {
    for (const set of this.#byKey.values()) {
      set.releaseOthers((entry) => entry === set.fallback || used.has(entry));
    }
    this.#tolerated = 2 * this.#pool.users + manyClasses;
    return this.#pool.hasRoomAgain();
  }
}
