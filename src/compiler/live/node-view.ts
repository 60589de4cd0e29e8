/** What one enforced node holds of the cluster, and how that differs from what it last accepted. */
import { cidrContainsCidr } from '../../objects/ip.ts';
import type { Cidr } from '../../objects/ip.ts';
import { sameClass, samePort } from '../delta.ts';
import { portRows } from '../port-rows.ts';
import type { PredicateId } from '../predicates.ts';
import type { ClassEntry, IdentityId, SetId } from '../program.ts';
import { unprogrammedIdentity } from '../tables.ts';
import type { AddressValue, ClassRow, Delta, NodeTables, PortRow } from '../tables.ts';
import { AddressRows, nobody } from './address-rows.ts';
import type { Cell } from './cell-tree.ts';
import { CidrRows } from './cidr-rows.ts';
import { classesWithout, LocalIdentities } from './local-identities.ts';
import type { ClassOfSet, LocalIdentity } from './local-identities.ts';
import { LocalSets } from './local-sets.ts';
import { isPod, nodeOf } from './model.ts';
import type { Atom, Handle, Held, Identity, Profile } from './model.ts';
import type { PeerChanges, Peers } from './peers.ts';
import type { RuleSet } from './rule-sets.ts';
import { SmallSet } from './small-set.ts';
import { TrackedRows } from './tracked-rows.ts';

export interface NodeChanges {
  readonly peers: PeerChanges;
  /** Profiles whose pods have other sets. */
  readonly resubjected: ReadonlySet<Profile>;
}

/** Atoms whose addresses say something else now, with what they said. */
type Shifted = readonly (readonly [atom: Atom, was: AddressValue])[];

export class NodeView {
  readonly #name: string;
  readonly #peers: Peers;
  readonly #held: ReadonlyMap<string, Held>;
  readonly #addresses: AddressRows;
  readonly #cidrs = new CidrRows();
  readonly #classes = new TrackedRows<ClassRow>();
  readonly #ports = new TrackedRows<PortRow>();
  readonly sets = new LocalSets();
  /** The sets as of the last update, and the handles by which they are reached. */
  readonly #settled = new Map<RuleSet, ClassEntry>();
  readonly #reached = new Map<Handle, SmallSet<RuleSet>>();
  readonly #locals = new LocalIdentities();
  readonly #seen = new Map<Identity, LocalIdentity>();
  /** Number of class rows of each class. */
  readonly #classUsers = new Map<ClassEntry, number>();
  /** None inside another. */
  #podRanges: readonly Cidr[] = [];
  #isNew = true;
  #rangesChanged = true;

  /** `held`: by the address. */
  constructor(name: string, cluster: { readonly peers: Peers; readonly held: ReadonlyMap<string, Held> }) {
    this.#name = name;
    this.#peers = cluster.peers;
    this.#held = cluster.held;
    this.#addresses = new AddressRows(cluster.held, ({ identity }) => this.#valueOf(identity));
  }

  /** They go on changing with the view. */
  get tables(): NodeTables {
    return {
      addresses: this.#addresses.rows,
      cidrs: this.#cidrs.rows,
      classes: this.#classes.rows,
      ports: this.#ports.rows,
    };
  }

  /** See nodeTables. */
  setPodRanges(podRanges: readonly Cidr[]): void {
    const outermost = podRanges.filter((cidr) => !podRanges.some((range) => isWithin(cidr, range)));
    const text = (ranges: readonly Cidr[]) => ranges.map((range) => range.text).join();
    if (text(outermost) === text(this.#podRanges)) return;
    this.#podRanges = outermost;
    this.#rangesChanged = true;
  }

  settle(changes: NodeChanges): void {
    const mayInherit = !this.#isTouched;
    const { fresh: freshSets, gone: goneSets } = this.sets.changes();
    const areFresh = new Set(freshSets);
    for (const set of freshSets) this.#learn(set);
    for (const set of goneSets) this.#forget(set);
    const identities = this.#affected(changes.peers, [...freshSets, ...goneSets]);
    const before = this.#valuesBefore(changes.peers);
    const reclassified = this.#classify(identities, changes.peers, areFresh);
    const isOld = (set: RuleSet) => !areFresh.has(set);
    const isLocal = (set: RuleSet) => this.#settled.has(set);
    const { fresh, gone } = this.#locals.settle(isOld, isLocal, mayInherit);
    // Removed first: an heir may have rows of the same key.
    for (const local of gone) this.#removeRows(local.classes, local);
    for (const { local, heirOf } of fresh) {
      if (heirOf) this.#removeRows(classesWithout(heirOf.classes, local.classes), local);
    }
    for (const { local, heirOf } of fresh) {
      this.#addRows(heirOf ? classesWithout(local.classes, heirOf.classes) : local.classes, local);
    }
    for (const set of goneSets) this.#removeFallback(set);
    for (const [identity, was] of reclassified) {
      if (this.#valueOf(identity) === was) continue;
      for (const atom of identity.atoms) if (!changes.peers.moved.has(atom)) before.push([atom, was]);
    }
    const shifted = before.filter(([atom, was]) => this.#valueOf(atom.identity) !== was);
    this.#stageAddresses(changes, shifted);
    this.#stageCidrs(changes, shifted);
    this.#isNew = false;
    this.#rangesChanged = false;
  }

  /** From what was last accepted. */
  delta(): Delta {
    const ports = this.#ports.comeAndGone(samePort);
    const classes = this.#classes.comeAndGone(sameClass);
    return {
      add: { ports: ports.come, classes: classes.come },
      stage: { addresses: this.#addresses.changes(), cidrs: this.#cidrs.changes() },
      sweep: { ports: ports.gone, classes: classes.gone },
    };
  }

  accept(): void {
    if (this.#isNew) return;
    for (const rows of [this.#addresses, this.#cidrs, this.#classes, this.#ports]) rows.accept();
  }

  get #isTouched(): boolean {
    return [this.#addresses, this.#cidrs, this.#classes, this.#ports].some((rows) => rows.isTouched);
  }

  /** What atoms said that have another identity now. Rows that come or go are told what they said, too. */
  #valuesBefore({ moved, placed }: PeerChanges): [atom: Atom, was: AddressValue][] {
    for (const [{ address }, atom] of placed) {
      this.#addresses.touch(address, atom, atom && this.#valueOf(moved.get(atom) ?? atom.identity));
    }
    const values: [Atom, AddressValue][] = [];
    moved.forEach((was, atom) => {
      if (was) values.push([atom, this.#valueOf(was)]);
    });
    return values;
  }

  #learn(set: RuleSet): void {
    const { fallback } = set;
    this.#settled.set(set, fallback);
    for (const handle of set.handles) {
      const others = this.#reached.get(handle);
      if (others) others.add(set);
      else this.#reached.set(handle, new SmallSet(set));
    }
    if (fallback.ports.length > 0) this.#addClassRow(set.id, 0, fallback);
  }

  #forget(set: RuleSet): void {
    this.#settled.delete(set);
    for (const handle of set.handles) {
      const others = this.#reached.get(handle);
      others?.delete(set);
      if (others?.size === 0) this.#reached.delete(handle);
    }
  }

  #removeFallback(set: RuleSet): void {
    const { fallback } = set;
    if (fallback.ports.length > 0) this.#removeClassRow(set.id, 0, fallback);
  }

  #affected(peers: PeerChanges, sets: readonly RuleSet[]): Iterable<Identity> {
    if (this.#isNew) return this.#peers.identities;
    const affected = new Set(peers.fresh);
    const handles = new Set(sets.flatMap((set) => [...set.handles]));
    for (const handle of handles) {
      for (const identity of this.#peers.identitiesWith(handle)) affected.add(identity);
    }
    return affected;
  }

  /** Those that were seen before, with what their addresses said. */
  #classify(
    identities: Iterable<Identity>,
    peers: PeerChanges,
    freshSets: ReadonlySet<RuleSet>,
  ): Map<Identity, AddressValue> {
    const reclassified = new Map<Identity, AddressValue>();
    for (const identity of identities) {
      const was = this.#seen.get(identity);
      const base = was ? identity : this.#predecessor(identity, peers);
      const classes = base ? this.#classesAfter(base, identity, freshSets) : this.#classesOf(identity);
      const local = this.#locals.retain(classes, identity.predicates[0] === isPod);
      this.#seen.set(identity, local);
      if (was) {
        reclassified.set(identity, was.value ?? nobody);
        this.#locals.release(was);
        this.#locals.succeeds(local, was);
      }
    }
    peers.moved.forEach((was, { identity }) => {
      const local = this.#seen.get(identity);
      const predecessor = was && this.#seen.get(was);
      if (local && predecessor) this.#locals.succeeds(local, predecessor);
    });
    for (const identity of peers.gone) {
      const local = this.#seen.get(identity);
      this.#seen.delete(identity);
      if (local) this.#locals.release(local);
    }
    return reclassified;
  }

  #classesOf(identity: Identity): ClassOfSet[] {
    const sets = new Set<RuleSet>();
    for (const handle of identity.handles) {
      for (const set of this.#reached.get(handle) ?? []) sets.add(set);
    }
    return this.#classesIn(sets, identity);
  }

  /** Another one that some of its addresses had, if rules by port names cannot tell the two apart. */
  #predecessor({ atoms, portsKey }: Identity, { moved }: PeerChanges): Identity | undefined {
    for (const atom of atoms) {
      const was = moved.get(atom);
      if (was?.portsKey === portsKey && this.#seen.has(was)) return was;
    }
    return undefined;
  }

  /** Sets that were there before, and do not tell the two apart, say of `identity` what they say of `base`. */
  #classesAfter(base: Identity, identity: Identity, freshSets: ReadonlySet<RuleSet>): ClassOfSet[] {
    const others = new Set(freshSets);
    for (const predicate of difference(base.predicates, identity.predicates)) {
      for (const set of this.#reached.get(predicate) ?? []) others.add(set);
    }
    const known = this.#seen.get(base)?.classes ?? [];
    const kept = known.filter(({ set }) => this.#settled.has(set) && !others.has(set));
    const added = this.#classesIn(others, identity);
    return added.length === 0 ? kept : ascending([...kept, ...added]);
  }

  #classesIn(sets: Iterable<RuleSet>, identity: Identity): ClassOfSet[] {
    const classes: ClassOfSet[] = [];
    for (const set of sets) {
      const entry = set.classOf(identity);
      if (entry !== this.#settled.get(set)) classes.push({ set, entry });
    }
    return ascending(classes);
  }

  #idOf(identity: Identity): IdentityId {
    return this.#valueOf(identity).identity;
  }

  #valueOf(identity: Identity): AddressValue {
    return (this.#seen.get(identity) ?? this.#locals.plain).value ?? nobody;
  }

  #addRows(classes: readonly ClassOfSet[], { value = nobody }: LocalIdentity): void {
    for (const { set, entry } of classes) this.#addClassRow(set.id, value.identity, entry);
  }

  #removeRows(classes: readonly ClassOfSet[], { value = nobody }: LocalIdentity): void {
    for (const { set, entry } of classes) this.#removeClassRow(set.id, value.identity, entry);
  }

  #addClassRow(set: SetId, identity: IdentityId, entry: ClassEntry): void {
    const { lengths, rows } = portRows(entry);
    const key = `${set}:${identity}`;
    this.#classes.set(key, { set, identity, class: entry.id, lengths });
    const users = this.#classUsers.get(entry) ?? 0;
    this.#classUsers.set(entry, users + 1);
    if (users === 0) for (const [portKey, row] of rows) this.#ports.set(portKey, row);
  }

  #removeClassRow(set: SetId, identity: IdentityId, entry: ClassEntry): void {
    this.#classes.delete(`${set}:${identity}`);
    const users = (this.#classUsers.get(entry) ?? 0) - 1;
    if (users > 0) {
      this.#classUsers.set(entry, users);
    } else {
      this.#classUsers.delete(entry);
      for (const [key] of portRows(entry).rows) this.#ports.delete(key);
    }
  }

  #stageAddresses({ peers, resubjected }: NodeChanges, shifted: Shifted): void {
    if (this.#isNew) {
      for (const held of this.#held.values()) this.#stageOwn(held);
      return;
    }
    for (const held of peers.placed.keys()) this.#stageOwn(held);
    for (const [atom, was] of shifted) {
      this.#addresses.shift(atom, was);
      this.#stageOwnOf(atom);
    }
    for (const { atoms } of resubjected) for (const atom of atoms.values()) this.#stageOwnOf(atom);
  }

  #stageOwnOf(atom: Atom): void {
    const { profile, addresses } = atom;
    if (profile && !profile.local.has(this.#name)) return;
    for (const held of addresses) this.#stageOwn(held);
  }

  #stageOwn({ address, owner, atom }: Held): void {
    const isOwn = atom && nodeOf(owner) === this.#name;
    this.#addresses.setOwn(address, isOwn ? ownValue(owner, this.#valueOf(atom.identity)) : undefined);
  }

  #stageCidrs({ peers }: NodeChanges, shifted: Shifted): void {
    if (this.#isNew || this.#rangesChanged) {
      for (const cell of [...peers.cells, ...this.#peers.cells]) this.#stageCell(cell);
      this.#stageRanges();
      return;
    }
    const cells = new Set<Cell>();
    const touch = (cell: Cell) => {
      cells.add(cell);
      for (const child of cell.children ?? []) cells.add(child);
    };
    for (const cell of peers.cells) touch(cell);
    for (const [{ profile, cell }] of shifted) if (!profile) touch(cell);
    for (const cell of cells) this.#stageCell(cell);
  }

  /** A prefix with the same answer as the prefix around it is left out. */
  #stageCell(cell: Cell): void {
    const { cidr, parent } = cell;
    if (!cidr) return;
    if (this.#podRanges.some((range) => range.text === cidr.text)) return;
    const identity = parent && this.#cellId(cell);
    const isNeeded =
      identity !== undefined &&
      identity !== this.#cellId(parent) &&
      !this.#podRanges.some((range) => cidrContainsCidr(range, cidr));
    if (isNeeded) this.#cidrs.set({ cidr, identity });
    else this.#cidrs.delete(cidr);
  }

  #cellId(cell: Cell | undefined): IdentityId {
    return cell?.cidr ? this.#idOf(this.#peers.identityOf(cell)) : 0;
  }

  /** Those of before that are cells as well have been staged as such. */
  #stageRanges(): void {
    for (const { cidr, identity } of this.#cidrs.rows.values()) {
      if (identity === unprogrammedIdentity) this.#cidrs.delete(cidr);
    }
    for (const cidr of this.#podRanges) this.#cidrs.set({ cidr, identity: unprogrammedIdentity });
  }
}

/** And smaller. */
function isWithin(inner: Cidr, outer: Cidr): boolean {
  return inner.prefixLength > outer.prefixLength && cidrContainsCidr(outer, inner);
}

function ownValue(owner: Held['owner'], remote: AddressValue): AddressValue {
  if (owner.kind === 'node') return { ...remote, role: 'local-node' };
  const { ingress, egress } = owner.profile.sets;
  return { ...remote, ingressSet: ingress?.id ?? 0, egressSet: egress?.id ?? 0, role: 'local-pod' };
}

/** By set. Most are already, as new sets have the greatest numbers. */
function ascending(classes: ClassOfSet[]): ClassOfSet[] {
  const isAscending = classes.every(({ set }, index) => set.id > (classes[index - 1]?.set.id ?? 0));
  return isAscending ? classes : classes.sort(({ set: a }, { set: b }) => a.id - b.id);
}

/** What only one of the two has; both ascending. */
function difference(a: readonly PredicateId[], b: readonly PredicateId[]): PredicateId[] {
  const apart: PredicateId[] = [];
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    const [left, right] = [a[i] ?? Infinity, b[j] ?? Infinity];
    if (left !== right) apart.push(Math.min(left, right));
    if (left <= right) i += 1;
    if (right <= left) j += 1;
  }
  return apart;
}
