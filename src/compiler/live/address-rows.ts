/**
 * The address rows of one node, and how they differ from those that were last accepted. An address of another node says
 * what its atom says: a new set can tell thousands of addresses apart that nobody told apart before, but only hundreds
 * of atoms. The node's own addresses, and those that come and go, are kept one by one.
 */
import type { Address } from '../../objects/ip.ts';
import { sameValue } from '../delta.ts';
import type { AddressChange, AddressRow, AddressValue } from '../tables.ts';
import { MappedView } from './mapped-view.ts';
import { addressesOf } from './model.ts';
import type { Atom, Held } from './model.ts';

interface AcceptedRow {
  readonly address: Address;
  /** Undefined: there was none. */
  readonly value: AddressValue | undefined;
}

export class AddressRows {
  readonly #held: ReadonlyMap<string, Held>;
  readonly #remote: (atom: Atom) => AddressValue;
  readonly #own = new Map<string, AddressValue>();
  /** As accepted, of what changed since: rows one by one, and what all other addresses of an atom said. */
  readonly #rowsBefore = new Map<string, AcceptedRow>();
  readonly #atomsBefore = new Map<Atom, AddressValue>();
  #hasAccepted = false;

  /** `remote`: what addresses of the atom say on other nodes than their own. */
  constructor(held: ReadonlyMap<string, Held>, remote: (atom: Atom) => AddressValue) {
    this.#held = held;
    this.#remote = remote;
  }

  get rows(): ReadonlyMap<string, AddressRow> {
    return new MappedView(this.#held, ({ address }) => ({
      address,
      value: this.#valueOf(address) ?? nobody,
    }));
  }

  get isTouched(): boolean {
    return !this.#hasAccepted || this.#rowsBefore.size + this.#atomsBefore.size > 0;
  }

  /** Before an update changes the row: the atom that the address was in, if any, and what that said. */
  touch(address: Address, atom: Atom | undefined, was: AddressValue | undefined): void {
    const value = this.#own.get(address.text) ?? (atom && this.#atomsBefore.get(atom)) ?? was;
    this.#remember(address, value);
  }

  /** The atom's addresses say something else now. Own ones among them are to be set as well. */
  shift(atom: Atom, was: AddressValue): void {
    if (this.#hasAccepted && !this.#atomsBefore.has(atom)) this.#atomsBefore.set(atom, was);
  }

  /** Undefined: the address is not the node's own. One that comes or goes must have been touched. */
  setOwn(address: Address, value: AddressValue | undefined): void {
    const was = this.#own.get(address.text);
    if (was) this.#remember(address, was);
    if (value) this.#own.set(address.text, value);
    else this.#own.delete(address.text);
  }

  /** Rows that came and went again are left out, and so are those that are again as they were. */
  changes(): AddressChange[] {
    const changes: AddressChange[] = [];
    const add = (addresses: readonly Address[], from?: AddressValue, to?: AddressValue) => {
      if (addresses.length === 0 || sameValue(from, to)) return;
      if (from && to) changes.push({ addresses, from, to });
      else if (from) changes.push({ addresses, from });
      else if (to) changes.push({ addresses, to });
    };
    const rows = this.#hasAccepted ? this.#rowsBefore : this.#newRows();
    const parted = new Set<Atom>();
    for (const [text, { address, value }] of rows) {
      const atom = this.#held.get(text)?.atom;
      if (atom) parted.add(atom);
      add([address], value, this.#valueOf(address));
    }
    const atoms: ReadonlyMap<Atom, AddressValue | undefined> = this.#hasAccepted
      ? this.#atomsBefore
      : this.#newAtoms();
    atoms.forEach((was, atom) => {
      const all = addressesOf(atom);
      const others = parted.has(atom) ? all.filter(({ text }) => !rows.has(text)) : all;
      add(others, was, this.#remote(atom));
    });
    return changes;
  }

  accept(): void {
    this.#rowsBefore.clear();
    this.#atomsBefore.clear();
    this.#hasAccepted = true;
  }

  #valueOf({ text }: Address): AddressValue | undefined {
    const own = this.#own.get(text);
    if (own) return own;
    const atom = this.#held.get(text)?.atom;
    return atom && this.#remote(atom);
  }

  #remember(address: Address, value: AddressValue | undefined): void {
    if (!this.#hasAccepted || this.#rowsBefore.has(address.text)) return;
    this.#rowsBefore.set(address.text, { address, value });
  }

  /** What a node that holds nothing yet has to be told, in the terms of what changed. */
  #newRows(): ReadonlyMap<string, AcceptedRow> {
    const own = this.#held.entries().filter(([text]) => this.#own.has(text));
    return new Map(own.map(([text, { address }]) => [text, { address, value: undefined }]));
  }

  #newAtoms(): ReadonlyMap<Atom, undefined> {
    const atoms = this.#held.values().flatMap(({ atom }) => (atom ? [atom] : []));
    return new Map(atoms.map((atom) => [atom, undefined]));
  }
}

/** What an address says that no set tells from those outside. */
export const nobody: AddressValue = { identity: 0, ingressSet: 0, egressSet: 0, role: 'remote' };
