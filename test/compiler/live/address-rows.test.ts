import { expect, test } from 'vitest';
import { AddressRows } from '../../../src/compiler/live/address-rows.ts';
import { Cell } from '../../../src/compiler/live/cell-tree.ts';
import { nothingAsked } from '../../../src/compiler/live/model.ts';
import type { Atom, Held } from '../../../src/compiler/live/model.ts';
import { SmallSet } from '../../../src/compiler/live/small-set.ts';
import type { AddressValue } from '../../../src/compiler/tables.ts';
import { parseAddress } from '../../../src/objects/ip.ts';

const remote = (identity: number): AddressValue => ({
  identity,
  ingressSet: 0,
  egressSet: 0,
  role: 'remote',
});
const local = (identity: number): AddressValue => ({
  identity,
  ingressSet: 7,
  egressSet: 0,
  role: 'local-pod',
});

/** Addresses in atoms, each of which says a number, and the rows that follow from it. */
class World {
  readonly #held = new Map<string, Held>();
  readonly #values = new Map<Atom, AddressValue>();
  readonly rows = new AddressRows(this.#held, (atom) => this.#valueOf(atom));

  atom(identity: number): Atom {
    const atom: Atom = {
      profile: undefined,
      cell: new Cell(undefined),
      identity: { predicates: [], asked: nothingAsked, atoms: new SmallSet() },
      addresses: new SmallSet(),
      listed: undefined,
    };
    this.#values.set(atom, remote(identity));
    return atom;
  }

  /** Undefined: to nowhere. */
  put(text: string, atom: Atom | undefined): void {
    const address = parseAddress(text);
    if (!address) throw new Error(`${text} is no address`);
    const held = this.#held.get(text) ?? {
      address,
      owner: { kind: 'node', node: 'n1' },
      losers: [],
      atom: undefined,
    };
    const was = held.atom;
    this.rows.touch(address, was, was && this.#valueOf(was));
    was?.addresses.delete(held);
    atom?.addresses.add(held);
    for (const each of [was, atom]) if (each) each.listed = undefined;
    held.atom = atom;
    if (atom) this.#held.set(text, held);
    else this.#held.delete(text);
  }

  own(text: string, value: AddressValue | undefined): void {
    const held = this.#held.get(text);
    if (held) this.rows.setOwn(held.address, value);
  }

  shift(atom: Atom, identity: number): void {
    const was = this.#valueOf(atom);
    this.#values.set(atom, remote(identity));
    this.rows.shift(atom, was);
  }

  /** Addresses, and [identity before, identity after]. */
  changes() {
    return Object.fromEntries(
      this.rows
        .changes()
        .map(({ addresses, from, to }) => [
          addresses.map(({ text }) => text).join(' '),
          [from?.identity, to?.identity],
        ]),
    );
  }

  #valueOf(atom: Atom): AddressValue {
    const value = this.#values.get(atom);
    if (!value) throw new Error('an atom of another world');
    return value;
  }
}

test('a node that holds nothing is told everything; then what came, went and changed, and nothing that is as it was', () => {
  const world = new World();
  const [one, two, three] = [world.atom(1), world.atom(2), world.atom(3)];
  for (const text of ['10.0.0.1', '10.0.0.2', '10.0.0.3']) world.put(text, one);
  for (const text of ['10.0.0.4', '10.0.0.5']) world.put(text, two);
  world.own('10.0.0.3', local(1));
  const everything = {
    '10.0.0.1 10.0.0.2': [undefined, 1],
    '10.0.0.3': [undefined, 1],
    '10.0.0.4 10.0.0.5': [undefined, 2],
  };
  expect(world.changes()).toEqual(everything);
  expect(world.changes()).toEqual(everything);
  world.rows.accept();
  expect(world.changes()).toEqual({});
  world.put('10.0.0.1', undefined);
  world.put('10.0.0.2', two);
  world.put('10.0.0.2', one);
  world.put('10.0.0.4', three);
  world.put('10.0.0.6', three);
  world.put('10.0.0.7', three);
  world.put('10.0.0.7', undefined);
  world.shift(three, 8);
  world.shift(three, 3);
  expect(world.changes()).toEqual({
    '10.0.0.1': [1, undefined],
    '10.0.0.4': [2, 3],
    '10.0.0.6': [undefined, 3],
  });
  expect([...world.rows.rows.keys()].sort()).toEqual([
    '10.0.0.2',
    '10.0.0.3',
    '10.0.0.4',
    '10.0.0.5',
    '10.0.0.6',
  ]);
  world.rows.accept();
  expect(world.rows.isTouched).toBe(false);
});

test('addresses that say another number change together, but for those that changed by themselves', () => {
  const world = new World();
  const [one, two] = [world.atom(1), world.atom(2)];
  for (const text of ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4']) world.put(text, one);
  world.put('10.0.0.5', two);
  world.own('10.0.0.3', local(1));
  world.rows.accept();
  world.shift(one, 6);
  world.own('10.0.0.3', local(6));
  expect(world.changes()).toEqual({ '10.0.0.1 10.0.0.2 10.0.0.4': [1, 6], '10.0.0.3': [1, 6] });
  // Refused: what comes now is told from what the node holds still.
  world.put('10.0.0.1', two);
  world.put('10.0.0.5', one);
  world.put('10.0.0.4', undefined);
  world.shift(one, 9);
  world.own('10.0.0.3', undefined);
  expect(world.changes()).toEqual({
    '10.0.0.2': [1, 9],
    '10.0.0.1': [1, 2],
    '10.0.0.5': [2, 9],
    '10.0.0.4': [1, undefined],
    '10.0.0.3': [1, 9],
  });
});
