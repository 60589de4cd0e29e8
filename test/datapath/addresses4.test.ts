/** The tree of IPv4 addresses says of each address what the longest prefix that holds it says, whatever came and went before. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Addresses4 } from '../../src/datapath/ebpf/addresses4.ts';
import type { Version } from '../../src/datapath/ebpf/layout.ts';
import { TableFull } from '../../src/datapath/ebpf/table-full.ts';
import { wordsPerLine } from '../../src/datapath/ebpf/words.ts';
import type { Words } from '../../src/datapath/ebpf/words.ts';
import { bytesOf, heapWords } from './heap-memory.ts';
import { makeAddress, makeCidr } from '../../src/objects/ip.ts';

const roots = 2 ** 16;
const isNode = 0x80000000;
const valueMask = 0x40ffffff;

/** A tree whose copy in use is 0, then 1, and so on. */
class Tree {
  readonly #roots = heapWords('roots4', 2 * roots * 2);
  readonly #nodes: Words;
  readonly addresses: Addresses4;
  inUse: Version = 0;

  constructor(nodes: number) {
    this.#nodes = heapWords('nodes4', 2 * nodes * wordsPerLine);
    this.addresses = new Addresses4({ roots: this.#roots, nodes: this.#nodes });
  }

  commit(): void {
    this.inUse = this.inUse ? 0 : 1;
    this.addresses.keep(this.inUse);
  }

  takeBack(): void {
    this.addresses.takeBack(this.inUse);
  }

  /** As the programs look; what they have not been told of is 0. */
  seen(address: number, version = this.inUse): number {
    const root = 2 * (version * roots + (address >>> 16));
    let entry = this.#roots.read(root + 1);
    for (let shift = 12; shift >= 0 && entry >= isNode; shift -= 4) {
      const node = (version * this.#nodes.length) / 2 + (entry - isNode) * wordsPerLine;
      entry = this.#nodes.read(node + ((address >>> shift) & 15));
    }
    if (entry >= isNode) throw new Error('the walk does not end');
    return ((entry === 0 ? this.#roots.read(root) : entry) & valueMask) >>> 0;
  }

  /** A copy, byte by byte. */
  bytes(version: Version): Buffer {
    const halves = [this.#roots, this.#nodes].map((words) => {
      const half = words.length / 2;
      return bytesOf(words, version * half, (version + 1) * half);
    });
    return Buffer.concat(halves);
  }
}

interface Row {
  readonly bits: number;
  /** 33: an address. */
  readonly length: number;
}

type Model = Map<string, Row & { readonly value: number }>;

function holds({ bits, length }: Row, address: number): boolean {
  const shift = 32 - Math.min(length, 32);
  return shift === 32 || address >>> shift === bits >>> shift;
}

function expected(model: Model, address: number): number {
  let best: (Row & { readonly value: number }) | undefined;
  for (const row of model.values()) {
    if (holds(row, address) && row.length > (best?.length ?? -1)) best = row;
  }
  return best?.value ?? 0;
}

function put({ addresses }: Tree, { bits, length }: Row, value: number): void {
  if (length > 32) addresses.putAddress(makeAddress(4, BigInt(bits)), value);
  else addresses.putPrefix(makeCidr(4, BigInt(bits), length), value);
}

function remove({ addresses }: Tree, { bits, length }: Row): void {
  if (length > 32) addresses.removeAddress(makeAddress(4, BigInt(bits)));
  else addresses.removePrefix(makeCidr(4, BigInt(bits), length));
}

function keyOf({ bits, length }: Row): string {
  return `${bits}/${length}`;
}

/** Near each other, so that prefixes hold prefixes. */
const arbitraryAddress = fc
  .tuple(fc.constantFrom(0, 0x0a000000, 0x0a00ff00, 0xffffff00), fc.nat({ max: 31 }), fc.nat({ max: 7 }))
  .map(([base, bit, low]) => (base ^ (1 << bit) ^ low) >>> 0);
const arbitraryRow = fc
  .tuple(arbitraryAddress, fc.oneof(fc.constant(33), fc.integer({ min: 15, max: 32 }), fc.nat({ max: 32 })))
  .map(([address, length]): Row => {
    const shift = 32 - Math.min(length, 32);
    return { bits: shift === 32 ? 0 : ((address >>> shift) << shift) >>> 0, length };
  });
const arbitraryStep = fc.record({
  kind: fc.constantFrom('put', 'put', 'remove', 'commit', 'take back'),
  row: arbitraryRow,
  value: fc.oneof(fc.nat({ max: 3 }), fc.constantFrom(0xffffff, 0x40000000, 0x40ffffff)),
  pick: fc.nat(),
});

describe('the tree of IPv4 addresses', () => {
  test('says what the longest prefix says, in the copy in use what was committed, and nothing of what was taken back', () => {
    fc.assert(
      fc.property(
        fc.array(arbitraryStep, { maxLength: 40, size: 'max' }),
        fc.array(arbitraryAddress, { minLength: 10, maxLength: 10 }),
        (steps, more) => {
          const tree = new Tree(512);
          let [committed, model]: [Model, Model] = [new Map(), new Map()];
          const questions = [...new Set([...more, ...steps.map(({ row }) => row.bits)])];
          for (const { kind, row, value, pick } of steps) {
            if (kind === 'put') {
              put(tree, row, value);
              model.set(keyOf(row), { ...row, value });
            } else if (kind === 'remove') {
              const gone = [...model.values()][pick % Math.max(1, model.size)];
              if (!gone) continue;
              remove(tree, gone);
              model.delete(keyOf(gone));
            } else {
              if (kind === 'commit') tree.commit();
              else tree.takeBack();
              [committed, model] =
                kind === 'commit' ? [new Map(model), model] : [committed, new Map(committed)];
              expect(tree.bytes(0).equals(tree.bytes(1))).toBe(true);
              expect([...tree.addresses.rows()]).toHaveLength(model.size);
            }
            const spare = tree.inUse ? 0 : 1;
            const wrong = questions.filter(
              (address) =>
                tree.seen(address) !== expected(committed, address) ||
                tree.seen(address, spare) !== expected(model, address),
            );
            expect(wrong).toEqual([]);
          }
          for (const row of model.values()) remove(tree, row);
          tree.commit();
          expect([...tree.addresses.rows()]).toEqual([]);
          expect(tree.addresses.nodes).toBe(0);
          expect(questions.filter((address) => tree.seen(address) !== 0)).toEqual([]);
        },
      ),
      { numRuns: 40 },
    );
  }, 60_000);

  test('is as it was when no node is left and what was written is taken back', () => {
    let failures = 0;
    fc.assert(
      fc.property(
        fc.uniqueArray(arbitraryRow, { minLength: 30, maxLength: 60, selector: keyOf }),
        fc.nat({ max: 40 }),
        (rows, nodes) => {
          const tree = new Tree(nodes + 1);
          for (const [index, row] of rows.entries()) {
            const [bytes, used] = [tree.bytes(tree.inUse), tree.addresses.nodes];
            try {
              put(tree, row, index);
              tree.commit();
            } catch (error) {
              expect(error).toBeInstanceOf(TableFull);
              failures += 1;
              tree.takeBack();
              for (const version of [0, 1] as const) expect(tree.bytes(version).equals(bytes)).toBe(true);
              expect(tree.addresses.nodes).toBe(used);
            }
          }
        },
      ),
      { numRuns: 20 },
    );
    expect(failures).toBeGreaterThan(20);
  }, 60_000);

  test('pods of a thousand nodes, a hundred in each /24, take eight lines of memory a node', () => {
    const tree = new Tree(2 ** 14);
    for (let node = 0; node < 1000; node++) {
      for (let pod = 1; pod <= 100; pod++)
        put(tree, { bits: 0x0a000000 + 256 * node + pod, length: 33 }, pod);
    }
    expect(tree.addresses.nodes).toBeLessThan(8.1 * 1000);
  });
});
