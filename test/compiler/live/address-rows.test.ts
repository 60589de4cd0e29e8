import { expect, test } from 'vitest';
import { AddressRows } from '../../../src/compiler/live/address-rows.ts';
import type { Held } from '../../../src/compiler/live/model.ts';
import type { AddressValue } from '../../../src/compiler/tables.ts';
import { makeAddress } from '../../../src/objects/ip.ts';

const value = (identity: number): AddressValue => ({ identity, ingressSet: 0, egressSet: 0, role: 'remote' });

function holder(index: number, last = index): Held {
  const address = makeAddress(4, 0x0a000000n + BigInt(last));
  return { address, index, owner: { kind: 'node', node: 'n1' }, losers: [], atom: undefined };
}

/** Address → [identity before, identity after]. */
function changes(rows: AddressRows) {
  return Object.fromEntries(
    rows.changes().map(({ address, from, to }) => [address.text, [from?.identity, to?.identity]]),
  );
}

test('what came, went and changed since the rows were accepted, and nothing that is as it was', () => {
  const rows = new AddressRows();
  const [kept, gone, other, back] = [holder(1), holder(2), holder(3), holder(4)];
  for (const held of [kept, gone, other, back]) rows.set(held, value(1));
  expect(changes(rows)['10.0.0.1']).toEqual([undefined, 1]);
  rows.accept();
  rows.set(kept, value(2));
  rows.set(kept, value(1));
  rows.delete(gone);
  rows.set(other, value(2));
  rows.delete(back);
  rows.set(back, value(1));
  const brief = holder(5);
  rows.set(brief, value(3));
  rows.delete(brief);
  expect(changes(rows)).toEqual({ '10.0.0.2': [1, undefined], '10.0.0.3': [1, 2] });
  expect([...rows.rows.keys()].sort()).toEqual(['10.0.0.1', '10.0.0.3', '10.0.0.4']);
});

test('a number that another address has now, and an address that has another number, are not mistaken', () => {
  const rows = new AddressRows();
  rows.set(holder(1), value(1));
  rows.set(holder(2), value(2));
  rows.accept();
  rows.delete(holder(1));
  rows.delete(holder(2));
  // Refused: still to be told together with what comes.
  rows.set(holder(1, 2), value(3));
  rows.set(holder(2, 7), value(4));
  expect(changes(rows)).toEqual({
    '10.0.0.1': [1, undefined],
    '10.0.0.2': [2, 3],
    '10.0.0.7': [undefined, 4],
  });
  rows.accept();
  expect(rows.isTouched).toBe(false);
  expect(rows.get(holder(1, 2))).toEqual(value(3));
});
