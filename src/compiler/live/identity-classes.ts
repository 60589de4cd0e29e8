/** The class that each set of a node gives to every identity, which identities are one to all of them, and the rows that say so. */
import type { ClassEntry, IdentityId, SetId } from '../program.ts';
import type { AddressValue } from '../tables.ts';
import { nobody } from './address-rows.ts';
import { classesWithout, LocalIdentities } from './local-identities.ts';
import type { ClassOfSet, LocalIdentity } from './local-identities.ts';
import { apart, handlesOf, isPod } from './model.ts';
import type { Handle, Identity } from './model.ts';
import type { PeerChanges, Peers } from './peers.ts';
import type { RuleSet } from './rule-sets.ts';
import { addTo, deleteFrom } from './small-set.ts';
import type { SmallSet } from './small-set.ts';

/** Identity 0: of whoever has no other row. */
export interface ClassAt {
  readonly set: SetId;
  readonly identity: IdentityId;
  readonly entry: ClassEntry;
}

export interface ClassChanges {
  /** Identities of before that may have another value now, with what they had. */
  readonly reclassified: ReadonlyMap<Identity, AddressValue>;
  /** To be removed before those of the same keys come. */
  readonly gone: readonly ClassAt[];
  readonly come: readonly ClassAt[];
}

interface Update {
  readonly peers: PeerChanges;
  readonly freshSets: readonly RuleSet[];
  readonly goneSets: readonly RuleSet[];
}

/** What a set gives from now on; undefined: its fallback. */
interface Edit {
  readonly set: RuleSet;
  readonly entry: ClassEntry | undefined;
}

interface Edited {
  readonly identity: Identity;
  readonly edits: readonly Edit[];
}

export class IdentityClasses {
  readonly #peers: Pick<Peers, 'identities' | 'identitiesWith'>;
  /** The sets as of the last update with their fallbacks, and the handles by which they are reached. */
  readonly #sets = new Map<RuleSet, ClassEntry>();
  readonly #reached = new Map<Handle, SmallSet<RuleSet>>();
  readonly #locals = new LocalIdentities();
  readonly #seen = new Map<Identity, LocalIdentity>();
  #isNew = true;

  constructor(peers: Pick<Peers, 'identities' | 'identitiesWith'>) {
    this.#peers = peers;
  }

  /** What an address of the identity says on other nodes than its own. */
  valueOf(identity: Identity): AddressValue {
    return (this.#seen.get(identity) ?? this.#locals.plain).value ?? nobody;
  }

  /** `mayInherit`: the node holds exactly the rows of before, so that an identity may keep its number as rows are added to it or taken from it. */
  settle(
    peers: PeerChanges,
    sets: { readonly fresh: readonly RuleSet[]; readonly gone: readonly RuleSet[] },
    mayInherit: boolean,
  ): ClassChanges {
    for (const set of sets.fresh) this.#learn(set);
    for (const set of sets.gone) this.#forget(set);
    const update = { peers, freshSets: sets.fresh, goneSets: sets.gone };
    const gone = sets.gone.flatMap(fallbackRow);
    const come = sets.fresh.flatMap(fallbackRow);
    const edited = this.#classify(this.#affected(update), update);
    const reclassified = new Map<Identity, AddressValue>();
    edited.forEach((all, local) => {
      const edits = mayInherit ? this.#commonEdits(local, all, update) : undefined;
      const was = local.classes;
      if (edits && this.#locals.change(local, afterEdits(was, edits), areOfPods(all))) {
        for (const { set, entry } of edits) {
          if (entry) {
            come.push(rowOf({ set, entry }, local));
          } else {
            const before = was.filter((known) => known.set === set);
            addRows(gone, before, local);
          }
        }
      } else {
        for (const each of all) this.#reclassify(local, each, reclassified);
      }
    });
    const isOld = (set: RuleSet) => !sets.fresh.includes(set);
    const isLocal = (set: RuleSet) => this.#sets.has(set);
    const locals = this.#locals.settle(isOld, isLocal, mayInherit);
    for (const local of locals.gone) addRows(gone, local.classes, local);
    for (const { local, heirOf } of locals.fresh) {
      if (heirOf) addRows(gone, classesWithout(heirOf.classes, local.classes), local);
      addRows(come, heirOf ? classesWithout(local.classes, heirOf.classes) : local.classes, local);
    }
    this.#isNew = false;
    return { reclassified, gone, come };
  }

  #learn(set: RuleSet): void {
    this.#sets.set(set, set.fallback);
    for (const handle of set.handles) addTo(this.#reached, handle, set);
  }

  #forget(set: RuleSet): void {
    this.#sets.delete(set);
    for (const handle of set.handles) deleteFrom(this.#reached, handle, set);
  }

  #affected({ peers, freshSets, goneSets }: Update): Iterable<Identity> {
    if (this.#isNew) return this.#peers.identities;
    const affected = new Set([...peers.fresh, ...peers.changed.keys()]);
    const handles = new Set([freshSets, goneSets].flat().flatMap((set) => [...set.handles]));
    for (const handle of handles) {
      for (const identity of this.#peers.identitiesWith(handle)) affected.add(identity);
    }
    return affected;
  }

  /** Gives those that are new what they stand for, and tells what changes for those of before, by what they stood for. */
  #classify(identities: Iterable<Identity>, update: Update): ReadonlyMap<LocalIdentity, readonly Edited[]> {
    const newcomers: (readonly [Identity, readonly ClassOfSet[]])[] = [];
    const edited = new Map<LocalIdentity, Edited[]>();
    for (const identity of identities) {
      const local = this.#seen.get(identity);
      if (!local) {
        newcomers.push([identity, this.#classesOfNew(identity, update)]);
        continue;
      }
      const edits = this.#edits({ local, was: identity }, identity, update);
      if (edits.length === 0) continue;
      const others = edited.get(local);
      if (others) others.push({ identity, edits });
      else edited.set(local, [{ identity, edits }]);
    }
    for (const [identity, classes] of newcomers) {
      this.#seen.set(identity, this.#locals.retain(classes, isOfPods(identity)));
    }
    update.peers.moved.forEach((was, { identity }) => {
      const local = this.#seen.get(identity);
      const predecessor = was && this.#seen.get(was);
      if (local && predecessor) this.#locals.succeeds(local, predecessor);
    });
    for (const identity of update.peers.gone) {
      const local = this.#seen.get(identity);
      this.#seen.delete(identity);
      if (local) this.#locals.release(local);
    }
    return edited;
  }

  #reclassify(
    local: LocalIdentity,
    { identity, edits }: Edited,
    reclassified: Map<Identity, AddressValue>,
  ): void {
    reclassified.set(identity, local.value ?? nobody);
    const next = this.#locals.retain(afterEdits(local.classes, edits), isOfPods(identity));
    this.#seen.set(identity, next);
    this.#locals.release(local);
    this.#locals.succeeds(next, local);
  }

  /** If they are all that it stands for, change alike, and no class of a set changes that was there before and stays. */
  #commonEdits(
    local: LocalIdentity,
    all: readonly Edited[],
    { freshSets }: Update,
  ): readonly Edit[] | undefined {
    const [first] = all;
    if (!first || all.length < local.users) return undefined;
    if (!first.edits.every(({ set }) => freshSets.includes(set) || !this.#sets.has(set))) return undefined;
    const pods = isOfPods(first.identity);
    const isAlike = ({ identity, edits }: Edited) =>
      isOfPods(identity) === pods && sameEdits(edits, first.edits);
    return all.every(isAlike) ? first.edits : undefined;
  }

  #classesOfNew(identity: Identity, update: Update): readonly ClassOfSet[] {
    const predecessor = this.#predecessor(identity, update.peers);
    const local = predecessor && this.#seen.get(predecessor);
    if (local) {
      return afterEdits(local.classes, this.#edits({ local, was: predecessor }, identity, update));
    }
    const sets = new Set<RuleSet>();
    for (const handle of handlesOf(identity)) {
      for (const set of this.#reached.get(handle) ?? []) sets.add(set);
    }
    const classes: ClassOfSet[] = [];
    for (const set of sets) {
      const entry = this.#classIn(set, identity);
      if (entry) classes.push({ set, entry });
    }
    return ascending(classes);
  }

  /** Another one that some of its addresses had, if rules by port names cannot tell the two apart. */
  #predecessor({ atoms, asked }: Identity, { moved }: PeerChanges): Identity | undefined {
    for (const atom of atoms) {
      const was = moved.get(atom);
      if (was?.asked.key === asked.key && this.#seen.has(was)) return was;
    }
    return undefined;
  }

  /** From what `was` stood for. Sets that stay, and don't tell the two apart, say the same of both. */
  #edits(
    { local: { classes }, was }: { readonly local: LocalIdentity; readonly was: Identity },
    identity: Identity,
    { peers, freshSets, goneSets }: Update,
  ): Edit[] {
    const predicates = peers.changed.get(was) ?? was.predicates;
    const edits: Edit[] = [];
    for (const set of goneSets) {
      if (classes.some((known) => known.set === set)) edits.push({ set, entry: undefined });
    }
    for (const set of freshSets) {
      const entry = this.#classIn(set, identity);
      if (entry) edits.push({ set, entry });
    }
    if (predicates === identity.predicates) return edits;
    const others = new Set<RuleSet>();
    for (const predicate of apart(predicates, identity.predicates)) {
      for (const set of this.#reached.get(predicate) ?? []) if (!freshSets.includes(set)) others.add(set);
    }
    for (const set of others) {
      const entry = this.#classIn(set, identity);
      if (entry !== classes.find((known) => known.set === set)?.entry) edits.push({ set, entry });
    }
    return edits;
  }

  /** Undefined: the fallback. */
  #classIn(set: RuleSet, identity: Identity): ClassEntry | undefined {
    const entry = set.classOf(identity);
    return entry === this.#sets.get(set) ? undefined : entry;
  }
}

function isOfPods({ predicates }: Identity): boolean {
  return predicates[0] === isPod;
}

function areOfPods([first]: readonly Edited[]): boolean {
  return first !== undefined && isOfPods(first.identity);
}

function fallbackRow({ id, fallback }: RuleSet): ClassAt[] {
  return fallback.ports.length > 0 ? [{ set: id, identity: 0, entry: fallback }] : [];
}

function rowOf({ set, entry }: ClassOfSet, { value = nobody }: LocalIdentity): ClassAt {
  return { set: set.id, identity: value.identity, entry };
}

function addRows(rows: ClassAt[], classes: readonly ClassOfSet[], local: LocalIdentity): void {
  for (const each of classes) rows.push(rowOf(each, local));
}

function sameEdits(a: readonly Edit[], b: readonly Edit[]): boolean {
  return (
    a.length === b.length && a.every(({ set, entry }, at) => b[at]?.set === set && b[at].entry === entry)
  );
}

function afterEdits(classes: readonly ClassOfSet[], edits: readonly Edit[]): readonly ClassOfSet[] {
  if (edits.length === 0) return classes;
  const next = classes.filter(({ set }) => !edits.some((edit) => edit.set === set));
  for (const { set, entry } of edits) if (entry) next.push({ set, entry });
  return ascending(next);
}

/** By set. Most are already, as new sets have the greatest numbers. */
function ascending(classes: ClassOfSet[]): ClassOfSet[] {
  const isAscending = classes.every(({ set }, index) => set.id > (classes[index - 1]?.set.id ?? 0));
  return isAscending ? classes : classes.sort(({ set: a }, { set: b }) => a.id - b.id);
}
