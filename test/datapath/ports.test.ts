/** The ports of a class are found as a packet would find them, wherever they are, and nothing is left of those that go. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PortRow } from '../../src/compiler/tables.ts';
import { Hash, randomSeed } from '../../src/datapath/ebpf/hash.ts';
import { portsOfList } from '../../src/datapath/ebpf/layout.ts';
import { Ports } from '../../src/datapath/ebpf/ports.ts';
import { wordsPerLine } from '../../src/datapath/ebpf/words.ts';
import type { Words } from '../../src/datapath/ebpf/words.ts';
import { bytesOf, heapWords } from './heap-memory.ts';

const isListed = 0x40000000;
const isOnly = 0x20000000;

function wordsOf(name: string, lines: number): Words {
  return heapWords(name, lines * wordsPerLine);
}

class World {
  readonly table = wordsOf('ports', 64);
  readonly lists: Words;
  readonly ports: Ports;

  constructor(lists: number) {
    this.lists = wordsOf('port_lists', lists);
    this.ports = new Ports({ table: this.table, lists: this.lists, hash: new Hash(randomSeed()) });
  }

  isListed(id: number): boolean {
    return this.ports.classSlot({ set: 1, identity: 2, class: id, lengths: 1 })[3] === isListed;
  }

  isOnly(id: number): boolean {
    return ((this.ports.classSlot({ set: 1, identity: 2, class: id, lengths: 1 })[3] ?? 0) & isOnly) !== 0;
  }

  /** As a program looks in the class's row or a list; undefined: no entry is for it. */
  seen(id: number, protocol: number, port: number): number | undefined {
    const [, , value = 0, spans = 0] = this.ports.classSlot({ set: 1, identity: 2, class: id, lengths: 1 });
    if (spans & isOnly) return isWithin(spans ^ isOnly, protocol, port) ? value : undefined;
    for (let entry = 0; entry < portsOfList; entry++) {
      const at = value * wordsPerLine + 2 * entry;
      if (isWithin(this.lists.read(at), protocol, port)) return this.lists.read(at + 1);
    }
    return undefined;
  }

  bytes(): Buffer {
    return Buffer.concat([bytesOf(this.table), bytesOf(this.lists)]);
  }
}

function isWithin(prefix: number, protocol: number, port: number): boolean {
  const wanted = (protocol << 17) | (port << 1);
  return ((wanted ^ prefix) & (prefix ^ -prefix)) === 0;
}

const arbitraryEntry = fc
  .record({
    protocol: fc.constantFrom(0, 6, 17, 132),
    port: fc.constantFrom(0, 80, 81, 8080, 30_000, 65_535),
    prefixLength: fc.nat({ max: 16 }),
    allow: fc.boolean(),
    rule: fc.nat({ max: 3 }),
  })
  .map(({ protocol, port, prefixLength, ...rest }) =>
    protocol === 0
      ? { protocol, port: 0, prefixLength: 0, ...rest }
      : { protocol, port: (port >> (16 - prefixLength)) << (16 - prefixLength), prefixLength, ...rest },
  );
const arbitraryEntries = fc.uniqueArray(arbitraryEntry, {
  maxLength: 12,
  selector: ({ protocol, port, prefixLength }) => `${protocol}:${port}/${prefixLength}`,
});

function expected(rows: readonly PortRow[], protocol: number, port: number): number | undefined {
  const [best] = rows
    .filter(
      (row) =>
        row.protocol === protocol && port >> (16 - row.prefixLength) === row.port >> (16 - row.prefixLength),
    )
    .sort((a, b) => b.prefixLength - a.prefixLength);
  const decides = best ?? rows.find((row) => row.protocol === 0);
  return decides && 2 * decides.rule + (decides.allow ? 1 : 0);
}

function rowOf(id: number, port: number): PortRow {
  return { class: id, protocol: 6, port, prefixLength: 16, allow: true, rule: id };
}

/** More than fit into the row of their class. */
function rowsOf(id: number): PortRow[] {
  return [rowOf(id, 80), rowOf(id, 81)];
}

describe('the ports of a class', () => {
  test('are a list if they are few, in which the longest prefix comes first and any protocol last, or in the row of the class if it is one', () => {
    fc.assert(
      fc.property(arbitraryEntries, (entries) => {
        const world = new World(4);
        const rows = entries.map((entry) => ({ class: 7, ...entry }));
        world.ports.add(rows);
        expect(world.isOnly(7)).toBe(rows.length === 1);
        expect(world.isListed(7)).toBe(rows.length > 1 && rows.length <= portsOfList);
        expect([...world.ports.rows()]).toHaveLength(rows.length);
        if (rows.length === 0 || rows.length > portsOfList) return;
        for (const protocol of [1, 6, 17, 132]) {
          for (const port of [0, 79, 80, 81, 8080, 30_000, 40_000, 65_535])
            expect(world.seen(7, protocol, port)).toBe(expected(rows, protocol, port));
        }
      }),
    );
  });

  test('are rows when no list is free, and a list that is given up is taken by the next', () => {
    const world = new World(1);
    world.ports.add([...rowsOf(1), ...rowsOf(2)]);
    expect([world.isListed(1), world.isListed(2)]).toEqual([true, false]);
    world.ports.keep();
    world.ports.remove(rowsOf(1));
    world.ports.keep();
    world.ports.add(rowsOf(3));
    expect([world.isListed(2), world.isListed(3)]).toEqual([false, true]);
    world.ports.remove([...rowsOf(2), ...rowsOf(3)]);
    expect([...world.ports.rows()]).toEqual([]);
  });

  test('may be added again, wherever they are, but no others to them', () => {
    const world = new World(1);
    const only = [rowOf(4, 80)];
    world.ports.add([...rowsOf(1), ...rowsOf(2), ...only]);
    world.ports.keep();
    const rows = [...world.ports.rows()];
    world.ports.add([...rowsOf(1), ...rowsOf(2), ...only]);
    expect([...world.ports.rows()]).toEqual(rows);
    for (const id of [1, 4]) {
      for (const other of [rowOf(id, 82), { ...rowOf(id, 80), allow: false }]) {
        expect(() => {
          world.ports.add([other]);
        }).toThrow(/never changes/);
      }
    }
    world.ports.remove(rowsOf(1));
    world.ports.keep();
    world.ports.add(rowsOf(2));
    expect(world.isListed(2)).toBe(false);
    world.ports.remove([...rowsOf(2), ...only]);
    expect([...world.ports.rows()]).toEqual([]);
  });

  test('are taken away with all others of their class, or not at all', () => {
    const world = new World(1);
    const [first, second] = [rowOf(1, 80), rowOf(1, 81)];
    world.ports.add([first, second]);
    for (const some of [[first], [first, { ...second, port: 82 }]]) {
      expect(() => {
        world.ports.remove(some);
      }).toThrow(/never changes/);
    }
    expect([...world.ports.rows()]).toHaveLength(2);
  });

  test('are as they were when what was added is taken back', () => {
    fc.assert(
      fc.property(arbitraryEntries, arbitraryEntries, (first, second) => {
        const world = new World(2);
        const before = first.map((entry) => ({ class: 1, ...entry }));
        world.ports.add(before);
        world.ports.keep();
        const rows = [...world.ports.rows()].map(String);
        for (const id of [2, 3]) world.ports.add(second.map((entry) => ({ class: id, ...entry })));
        world.ports.takeBack();
        expect([...world.ports.rows()].map(String)).toEqual(rows);
        expect([2, 3].map((id) => world.isListed(id) || world.isOnly(id))).toEqual([false, false]);
        world.ports.add(second.map((entry) => ({ class: 2, ...entry })));
        expect([...world.ports.rows()]).toHaveLength(first.length + second.length);
      }),
    );
  });
});
