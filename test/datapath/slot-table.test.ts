/** The hash table in lines of memory holds what was put and not removed, whatever meets in it. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Hash, randomSeed, seedWords } from '../../src/datapath/ebpf/hash.ts';
import { pairSlot, slot6 } from '../../src/datapath/ebpf/layout.ts';
import { SlotTable } from '../../src/datapath/ebpf/slot-table.ts';
import type { Row, SlotMemory, SlotShape } from '../../src/datapath/ebpf/slot-table.ts';
import { TableFull } from '../../src/datapath/ebpf/table-full.ts';
import { wordsPerLine } from '../../src/datapath/ebpf/words.ts';
import type { Words } from '../../src/datapath/ebpf/words.ts';
import { heapWords } from './heap-memory.ts';

/** Without writePair, as where nobody reads what is written. */
class Alone implements SlotMemory {
  readonly #words: Words;
  readonly length: number;

  constructor(words: Words) {
    this.#words = words;
    this.length = words.length;
  }

  read(index: number): number {
    return this.#words.read(index);
  }

  write(index: number, value: number): void {
    this.#words.write(index, value);
  }
}

const shapes: Readonly<
  Record<string, { shape: SlotShape; row: (key: number, value: number) => Row; isRead: boolean }>
> = {
  'IPv6 prefixes': { shape: slot6, row: (key, value) => [0xfd000000, key, 0, 1, value], isRead: false },
  'classes and ports': { shape: pairSlot, row: (key, value) => [key, 1, value, 7], isRead: true },
};

function wordsOf(lines: number): Words {
  return heapWords('table', lines * wordsPerLine);
}

/** As the programs look: from the home line on, until a slot is free. */
function seen(words: Words, { shape, hash }: { shape: SlotShape; hash: Hash }, row: Row): Row | undefined {
  const { slots, window, key, hashed } = shape;
  const lines = words.length / wordsPerLine;
  for (let line = 0; line < window; line++) {
    const at = ((hash.of(row, hashed) + line) % lines) * wordsPerLine;
    for (let slot = 0; slot < slots; slot++) {
      const held = key.map((_, word) => words.read(at + slot * key.length + word));
      if (key.every((mask, word) => (((held[word] ?? 0) ^ (row[word] ?? 0)) & mask) === 0)) return held;
      const relevant = shape === pairSlot ? held.slice(0, 2) : held;
      if (relevant.every((word) => word === 0)) return undefined;
    }
  }
  return undefined;
}

describe.each(Object.entries(shapes))('a table of %s', (_, { shape, row, isRead }) => {
  const arbitrarySteps = fc.array(
    fc.record({
      kind: fc.constantFrom('put', 'put', 'remove'),
      key: fc.nat({ max: 110 }),
      value: fc.integer({ min: 2, max: 9 }),
    }),
    { maxLength: 300, size: 'max' },
  );
  const arbitrarySeed = fc.oneof(
    fc.constant(new Uint32Array(seedWords)),
    fc.uint32Array({ minLength: seedWords, maxLength: seedWords }),
  );

  test('holds what a map would, finds it as the programs do, and never moves a row', () => {
    let full = 0;
    fc.assert(
      fc.property(arbitrarySteps, arbitrarySeed, fc.constantFrom(1, 4, 16), (steps, seed, lines) => {
        const [words, hash] = [wordsOf(lines), new Hash(seed)];
        const table = new SlotTable({ memory: isRead ? words : new Alone(words), shape, hash });
        const model = new Map<number, number>();
        for (const { kind, key, value } of steps) {
          const before = kind === 'put' && !model.has(key) ? [...table.rows()] : undefined;
          if (kind === 'remove') {
            table.remove(row(key, 0));
            model.delete(key);
          } else {
            try {
              table.put(row(key, value));
              model.set(key, value);
            } catch (error) {
              expect(error).toBeInstanceOf(TableFull);
              expect(model.has(key)).toBe(false);
              expect([...table.rows()]).toEqual(before);
              full += 1;
            }
          }
          for (const [held, content] of model) {
            expect(seen(words, { shape, hash }, row(held, 0))).toEqual(row(held, content));
          }
          expect(seen(words, { shape, hash }, row(key, 0)) !== undefined).toBe(model.has(key));
        }
        expect([...table.rows()].map(String).sort()).toEqual(
          [...model].map(([key, value]) => String(row(key, value))).sort(),
        );
        for (const key of model.keys()) table.remove(row(key, 0));
        expect([...table.rows()]).toEqual([]);
      }),
    );
    expect(full).toBeGreaterThan(0);
  });

  test('keeps no marks once nothing is pushed past them', () => {
    const words = wordsOf(4);
    const table = new SlotTable({
      memory: isRead ? words : new Alone(words),
      shape,
      hash: new Hash(new Uint32Array(seedWords)),
    });
    const keys = Array.from({ length: 10 }, (__, key) => key);
    for (const key of keys) table.put(row(key, 2));
    for (const key of keys.slice(0, -1)) table.remove(row(key, 0));
    expect(table.get(row(9, 0))).toEqual(row(9, 2));
    table.remove(row(9, 0));
    const keyWords = shape === pairSlot ? [0, 1] : [...shape.key.keys()];
    for (let slot = 0; slot < shape.slots; slot++) {
      for (const word of keyWords) expect(words.read(slot * shape.key.length + word)).toBe(0);
    }
  });

  test('takes as many rows as it is made for, in a row or scattered, and almost all are in their home line', () => {
    const [lines, step] = [1 << 14, 0x9e3779b1];
    for (const keyOf of [(n: number) => n, (n: number) => n << 12, (n: number) => Math.imul(n, step)]) {
      const [words, hash] = [wordsOf(lines), new Hash(randomSeed())];
      const table = new SlotTable({ memory: isRead ? words : new Alone(words), shape, hash });
      const count = (lines * shape.slots) / 2;
      for (let n = 0; n < count; n++) table.put(row(keyOf(n) >>> 0, 2));
      let home = 0;
      for (let n = 0; n < count; n++) {
        const once = { shape: { ...shape, window: 1 }, hash };
        if (seen(words, once, row(keyOf(n) >>> 0, 0))) home += 1;
      }
      expect(home / count).toBeGreaterThan(0.8);
    }
  });
});

test('the hash is that of the programs: the upper half of a sum modulo 2⁶⁴, scattered', () => {
  fc.assert(
    fc.property(
      fc.uint32Array({ minLength: seedWords, maxLength: seedWords }),
      fc.array(fc.nat({ max: 0xffffffff }), { minLength: 1, maxLength: 4 }),
      (seed, words) => {
        const at = (index: number): bigint =>
          (BigInt(seed[2 * index + 1] ?? 0) << 32n) | BigInt(seed[2 * index] ?? 0);
        const sum = words.reduce((total, word, index) => total + at(index + 1) * BigInt(word), at(0));
        const mask = 0xffffffffn;
        let hash = (sum >> 32n) & mask;
        hash ^= hash >> 16n;
        hash = (hash * 0x7feb352dn) & mask;
        hash ^= hash >> 15n;
        hash = (hash * 0x846ca68bn) & mask;
        expect(new Hash(seed).of(words, words.length)).toBe(Number(hash ^ (hash >> 16n)));
      },
    ),
  );
});
