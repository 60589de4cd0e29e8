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

test('so many prefixes come among so many longer ones that no two of them can be compared', () => {
  const cidrs = (length: number) =>
    Array.from({ length: 50_000 }, (_, index) => makeCidr(6, BigInt(index) << 80n, length));
  const blocks = (predicate: number, length: number) =>
    cidrs(length).map((cidr) => ({ predicate, cidr, except: [] }));
  const [longer, shorter] = [blocks(1, 128), blocks(2, 64)];
  const tree = new CellTree();
  tree.update(longer, []);
  expect(tree.update(shorter, []).changed.size).toBe(longer.length + shorter.length);
  expect(
    [...tree.cells].every(
      ({ cidr, children }) => children?.size === (cidr?.prefixLength === 64 ? 1 : undefined),
    ),
  ).toBe(true);
});
