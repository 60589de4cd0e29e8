/** Which identity every address and every prefix has, kept up as predicates and addresses come and go. */
import type { Block } from '../cidr-cells.ts';
import type { PredicateId } from '../predicates.ts';
import { AddressBook } from './address-book.ts';
import { CellTree } from './cell-tree.ts';
import type { Cell } from './cell-tree.ts';
import { ContentTable } from './content-table.ts';
import { apart, handlesOf, nothingAsked, sameIds } from './model.ts';
import type { AskedPorts, Atom, Handle, Held, Identity, Profile } from './model.ts';
import { addTo, deleteFrom, SmallSet } from './small-set.ts';

/** What an update changed, for nodes to follow. */
export interface PeerChanges {
  /** With the identity before; undefined: the atom is new. */
  readonly moved: ReadonlyMap<Atom, Identity | undefined>;
  readonly fresh: ReadonlySet<Identity>;
  /** With the predicates before. */
  readonly changed: ReadonlyMap<Identity, readonly PredicateId[]>;
  readonly gone: ReadonlySet<Identity>;
  /** New, removed, or with another parent. */
  readonly cells: ReadonlySet<Cell>;
  /** Addresses that have come, gone (no atom), moved or changed hands, with the atom before; undefined: nobody had it. */
  readonly placed: ReadonlyMap<Held, Atom | undefined>;
}

export class Peers {
  readonly #tree = new CellTree();
  readonly #book = new AddressBook<Held>();
  readonly #identities = new ContentTable<Identity, PredicateId>({
    contentOf: ({ predicates }) => predicates,
    hashOf: (id) => id,
    isSame: (a, b) => a === b,
  });
  readonly #with = new Map<Handle, SmallSet<Identity>>();
  readonly #dirty = new Set<Atom>();
  readonly #emptied = new Set<Atom>();
  readonly #left = new Set<Identity>();
  #moved = new Map<Atom, Identity | undefined>();
  #fresh = new Set<Identity>();
  #changed = new Map<Identity, readonly PredicateId[]>();
  #cells = new Set<Cell>();
  #placed = new Map<Held, Atom | undefined>();

  constructor() {
    for (const root of this.#tree.roots) this.#plainAtom(root);
  }

  get identities(): Iterable<Identity> {
    return this.#identities.values();
  }

  get cells(): Iterable<Cell> {
    return this.#tree.cells;
  }

  identitiesWith(handle: Handle): Iterable<Identity> {
    return this.#with.get(handle) ?? [];
  }

  /** What an address of the cell is that nobody has. */
  identityOf(cell: Cell): Identity {
    return this.#plainAtom(cell).identity;
  }

  /** The profile's predicates or asked ports are others now. */
  touch(profile: Profile): void {
    profile.atoms.forEach((atom) => this.#dirty.add(atom));
  }

  /** The holder's profile must know its predicates. */
  place(held: Held): void {
    this.#book.add(held);
    this.#join(held);
  }

  displace(held: Held): void {
    this.#book.delete(held);
    this.#leave(held);
  }

  changeBlocks(added: readonly Block[], removed: readonly Block[]): void {
    if (added.length + removed.length === 0) return;
    const { fresh, gone, changed } = this.#tree.update(added, removed);
    const moving: Held[] = [];
    for (const cell of fresh) {
      this.#cells.add(cell);
      this.#dirty.add(this.#plainAtom(cell));
      if (!cell.cidr) continue;
      this.#book.forEachIn(cell.cidr, (held) => moving.push(held));
    }
    for (const cell of gone) {
      this.#cells.add(cell);
      forEachAtom(cell, ({ addresses }) => {
        addresses.forEach((held) => moving.push(held));
      });
      const { plain } = cell;
      cell.plain = undefined;
      if (plain) this.#emptied.add(plain);
    }
    for (const cell of changed) {
      this.#cells.add(cell);
      forEachAtom(cell, (atom) => this.#dirty.add(atom));
    }
    for (const held of new Set(moving)) {
      this.#leave(held);
      this.#join(held);
    }
  }

  /** Works out the identities of what was touched, and forgets what is not used any more. */
  settle(): PeerChanges {
    for (const atom of this.#emptied) if (this.#isUnused(atom)) this.#remove(atom);
    this.#emptied.clear();
    const dirty = Map.groupBy(this.#dirty, ({ identity }) => identity);
    dirty.forEach((atoms, identity) => {
      if (this.#changeWhole(identity, atoms)) return;
      let successor = identity;
      for (const atom of atoms) successor = this.#identify(atom, successor);
    });
    this.#dirty.clear();
    const gone = new Set<Identity>();
    for (const identity of this.#left) {
      if (identity.atoms.size > 0) continue;
      this.#identities.delete(identity);
      for (const handle of handlesOf(identity)) this.#unreach(identity, handle);
      this.#changed.delete(identity);
      if (!this.#fresh.delete(identity)) gone.add(identity);
    }
    this.#left.clear();
    const changes = {
      moved: this.#moved,
      fresh: this.#fresh,
      changed: this.#changed,
      gone,
      cells: this.#cells,
      placed: this.#placed,
    };
    this.#moved = new Map();
    this.#fresh = new Set();
    this.#changed = new Map();
    this.#cells = new Set();
    this.#placed = new Map();
    return changes;
  }

  #join(held: Held): void {
    const cell = this.#tree.of(held.address);
    const profile = held.owner.kind === 'pod' ? held.owner.profile : undefined;
    const atom = profile ? this.#atomOf(profile, cell) : this.#plainAtom(cell);
    if (!this.#placed.has(held)) this.#placed.set(held, undefined);
    held.atom = atom;
    atom.addresses.add(held);
    atom.listed = undefined;
  }

  #leave(held: Held): void {
    const { atom } = held;
    if (!atom) return;
    if (!this.#placed.has(held)) this.#placed.set(held, atom);
    held.atom = undefined;
    atom.addresses.delete(held);
    atom.listed = undefined;
    if (atom.addresses.size === 0) this.#emptied.add(atom);
  }

  #atomOf(profile: Profile, cell: Cell): Atom {
    let atom = profile.atoms.get(cell);
    if (!atom) profile.atoms.set(cell, (atom = this.#newAtom(profile, cell)));
    return atom;
  }

  #plainAtom(cell: Cell): Atom {
    return (cell.plain ??= this.#newAtom(undefined, cell));
  }

  #newAtom(profile: Profile | undefined, cell: Cell): Atom {
    const identity = this.#intern(satisfied(profile, cell), profile);
    const atom: Atom = { profile, cell, identity, addresses: new SmallSet(), listed: undefined };
    identity.atoms.add(atom);
    if (profile) (cell.atoms ??= new SmallSet()).add(atom);
    this.#moved.set(atom, undefined);
    return atom;
  }

  #isUnused(atom: Atom): boolean {
    return atom.addresses.size === 0 && atom.cell.plain !== atom;
  }

  #remove(atom: Atom): void {
    atom.profile?.atoms.delete(atom.cell);
    atom.cell.atoms?.delete(atom);
    this.#leaveIdentity(atom);
    this.#dirty.delete(atom);
    this.#moved.delete(atom);
  }

  /** False unless all atoms of the identity are among them, change alike, and become what no other identity is. */
  #changeWhole(identity: Identity, atoms: readonly Atom[]): boolean {
    const [first] = atoms;
    if (!first || atoms.length < identity.atoms.size) return false;
    const predicates = satisfied(first.profile, first.cell);
    const isAlike = ({ profile, cell }: Atom) => sameIds(satisfied(profile, cell), predicates);
    if (!atoms.every((atom) => atom === first || isAlike(atom))) return false;
    if (sameIds(predicates, identity.predicates)) return true;
    if (this.#identities.find(predicates) || askedOf(first.profile).key !== identity.asked.key) return false;
    const before = identity.predicates;
    if (!this.#fresh.has(identity)) this.#changed.set(identity, before);
    this.#identities.delete(identity);
    identity.predicates = predicates;
    this.#identities.add(identity);
    for (const predicate of apart(before, predicates)) {
      if (before.includes(predicate)) this.#unreach(identity, predicate);
      else this.#reach(identity, predicate);
    }
    return true;
  }

  /** `successor`: what the atom before became; most often the next one becomes the same. */
  #identify(atom: Atom, successor: Identity): Identity {
    const predicates = satisfied(atom.profile, atom.cell);
    if (sameIds(predicates, atom.identity.predicates)) return successor;
    const identity = sameIds(predicates, successor.predicates)
      ? successor
      : this.#intern(predicates, atom.profile);
    if (!this.#moved.has(atom)) this.#moved.set(atom, atom.identity);
    this.#leaveIdentity(atom);
    atom.identity = identity;
    identity.atoms.add(atom);
    return identity;
  }

  #leaveIdentity(atom: Atom): void {
    const { atoms } = atom.identity;
    atoms.delete(atom);
    if (atoms.size === 0) this.#left.add(atom.identity);
  }

  #intern(predicates: readonly PredicateId[], profile: Profile | undefined): Identity {
    let identity = this.#identities.find(predicates);
    if (!identity) {
      identity = { predicates, asked: askedOf(profile), atoms: new SmallSet() };
      this.#identities.add(identity);
      this.#fresh.add(identity);
      for (const handle of handlesOf(identity)) this.#reach(identity, handle);
    }
    return identity;
  }

  #reach(identity: Identity, handle: Handle): void {
    addTo(this.#with, handle, identity);
  }

  #unreach(identity: Identity, handle: Handle): void {
    deleteFrom(this.#with, handle, identity);
  }
}

function forEachAtom({ plain, atoms }: Cell, visit: (atom: Atom) => void): void {
  if (plain) visit(plain);
  atoms?.forEach(visit);
}

function askedOf(profile: Profile | undefined): AskedPorts {
  return profile?.asked ?? nothingAsked;
}

function satisfied(profile: Profile | undefined, cell: Cell): readonly PredicateId[] {
  const own = profile?.predicates ?? [];
  if (own.length === 0) return cell.predicates;
  return cell.predicates.length === 0 ? own : [...own, ...cell.predicates].sort((a, b) => a - b);
}
