import { expect, test } from 'vitest';
import { TrackedRows } from '../../../src/compiler/live/tracked-rows.ts';

const sameLength = (a: string, b: string) => a.length === b.length;

function accepted(...rows: readonly (readonly [string, string])[]): TrackedRows<string> {
  const tracked = new TrackedRows<string>();
  for (const [key, row] of rows) tracked.set(key, row);
  tracked.accept();
  return tracked;
}

test('what came and went since the rows were accepted, and nothing that came and went again', () => {
  const rows = accepted(['kept', 'a'], ['gone', 'b'], ['back', 'c']);
  rows.delete('gone');
  rows.delete('back');
  rows.set('back', 'd');
  rows.set('fresh', 'e');
  rows.set('brief', 'f');
  rows.delete('brief');
  expect(rows.comeAndGone(sameLength)).toEqual({ come: ['e'], gone: ['b'] });
});

test('a row with another meaning under the same key is an error, whether it was replaced or removed in between', () => {
  const replaced = accepted(['key', 'a']);
  replaced.set('key', 'longer');
  expect(() => replaced.comeAndGone(sameLength)).toThrow('row key changes its meaning');
  const again = accepted(['key', 'a']);
  again.delete('key');
  again.set('key', 'longer');
  expect(() => again.comeAndGone(sameLength)).toThrow('row key changes its meaning');
});
