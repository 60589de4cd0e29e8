import { expect, test } from 'vitest';
import { CellTree } from '../../../src/compiler/live/cell-tree.ts';
import { makeCidr } from '../../../src/objects/ip.ts';

test('a block around more prefixes than a call takes arguments comes and goes', () => {
  const inner = Array.from({ length: 150_000 }, (_, index) => {
    const cidr = makeCidr(4, 0x40000000n + (BigInt(index) << 8n), 24);
    return { predicate: 1, cidr, except: [] };
  });
  const wide = { predicate: 2, cidr: makeCidr(4, 0x40000000n, 2), except: [] };
  const tree = new CellTree();
  tree.update(inner, []);
  expect(tree.update([wide], []).changed.size).toBe(inner.length + 1);
  expect(tree.update([], [wide]).changed.size).toBe(inner.length);
});
