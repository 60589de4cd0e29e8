/** What one enforced node holds of the cluster, and how that differs from what it last accepted. */
import { cidrContainsCidr } from '../../objects/ip.ts';
import type { Cidr } from '../../objects/ip.ts';
import { sameClass, samePort } from '../delta.ts';
import { portRows } from '../port-rows.ts';
import type { ClassEntry, IdentityId } from '../program.ts';
import { unprogrammedIdentity } from '../tables.ts';
import type { AddressValue, ClassRow, Delta, NodeTables, PortRow } from '../tables.ts';
import { AddressRows } from './address-rows.ts';
import type { Cell } from './cell-tree.ts';
import { CidrRows } from './cidr-rows.ts';
import { IdentityClasses } from './identity-classes.ts';
import type { ClassAt } from './identity-classes.ts';
import { LocalSets } from './local-sets.ts';
import { nodeOf } from './model.ts';
import type { Atom, Held, Profile } from './model.ts';
import type { PeerChanges, Peers } from './peers.ts';
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
  readonly #classRows = new TrackedRows<ClassRow>();
  readonly #ports = new TrackedRows<PortRow>();
  readonly sets = new LocalSets();
  readonly #classes: IdentityClasses;
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
    this.#classes = new IdentityClasses(cluster.peers);
    this.#addresses = new AddressRows(cluster.held, ({ identity }) => this.#classes.valueOf(identity));
  }

  /** They go on changing with the view. */
  get tables(): NodeTables {
    return {
      addresses: this.#addresses.rows,
      cidrs: this.#cidrs.rows,
      classes: this.#classRows.rows,
      ports: this.#ports.rows,
    };
  }

  /** Those that have rows. */
  get classes(): Iterable<ClassEntry> {
    return this.#classUsers.keys();
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
    const sets = this.sets.changes();
    // A set that other nodes have may come back before this one has accepted that it went: its rows are still there then.
    const mayInherit = !this.#isTouched && sets.gone.every(({ users }) => users === 0);
    const before = this.#valuesBefore(changes.peers);
    const { reclassified, gone, come } = this.#classes.settle(changes.peers, sets, mayInherit);
    for (const row of gone) this.#removeClassRow(row);
    for (const row of come) this.#addClassRow(row);
    for (const [identity, was] of reclassified) {
      if (this.#classes.valueOf(identity) === was) continue;
      for (const atom of identity.atoms) if (!changes.peers.moved.has(atom)) before.push([atom, was]);
    }
    const shifted = before.filter(([atom, was]) => this.#classes.valueOf(atom.identity) !== was);
    this.#stageAddresses(changes, shifted);
    this.#stageCidrs(changes, shifted);
    this.#isNew = false;
    this.#rangesChanged = false;
  }

  /** From what was last accepted. */
  delta(): Delta {
    const ports = this.#ports.comeAndGone(samePort);
    const classes = this.#classRows.comeAndGone(sameClass);
    return {
      add: { ports: ports.come, classes: classes.come },
      stage: { addresses: this.#addresses.changes(), cidrs: this.#cidrs.changes() },
      sweep: { ports: ports.gone, classes: classes.gone },
    };
  }

  accept(): void {
    if (this.#isNew) return;
    for (const rows of [this.#addresses, this.#cidrs, this.#classRows, this.#ports]) rows.accept();
  }

  get #isTouched(): boolean {
    return [this.#addresses, this.#cidrs, this.#classRows, this.#ports].some((rows) => rows.isTouched);
  }

  /** What atoms said that have another identity now. Rows that come or go are told what they said, too. */
  #valuesBefore({ moved, placed }: PeerChanges): [atom: Atom, was: AddressValue][] {
    for (const [{ address }, atom] of placed) {
      this.#addresses.touch(address, atom, atom && this.#classes.valueOf(moved.get(atom) ?? atom.identity));
    }
    const values: [Atom, AddressValue][] = [];
    moved.forEach((was, atom) => {
      if (was) values.push([atom, this.#classes.valueOf(was)]);
    });
    return values;
  }

  #addClassRow({ set, identity, entry }: ClassAt): void {
    const { lengths, rows } = portRows(entry);
    this.#classRows.set(`${set}:${identity}`, { set, identity, class: entry.id, lengths });
    const users = this.#classUsers.get(entry) ?? 0;
    this.#classUsers.set(entry, users + 1);
    if (users === 0) for (const [portKey, row] of rows) this.#ports.set(portKey, row);
  }

  #removeClassRow({ set, identity, entry }: ClassAt): void {
    this.#classRows.delete(`${set}:${identity}`);
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
    this.#addresses.setOwn(
      address,
      isOwn ? ownValue(owner, this.#classes.valueOf(atom.identity)) : undefined,
    );
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
    if (isNeeded) this.#cidrs.set(cidr, identity);
    else this.#cidrs.delete(cidr);
  }

  #cellId(cell: Cell | undefined): IdentityId {
    return cell?.cidr ? this.#classes.valueOf(this.#peers.identityOf(cell)).identity : 0;
  }

  /** Those of before that are cells as well have been staged as such. */
  #stageRanges(): void {
    for (const { cidr, identity } of this.#cidrs.rows.values()) {
      if (identity === unprogrammedIdentity) this.#cidrs.delete(cidr);
    }
    for (const cidr of this.#podRanges) this.#cidrs.set(cidr, unprogrammedIdentity);
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
