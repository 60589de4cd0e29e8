/** The kernel takes every change that the interpreter takes, and then holds what the interpreter holds. */
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Compiler } from '../../../src/compiler/compiler.ts';
import { computeDelta, emptyTables } from '../../../src/compiler/delta.ts';
import { nodeTables } from '../../../src/compiler/node-tables.ts';
import type { NodeTables } from '../../../src/compiler/tables.ts';
import { adopt } from '../../../src/datapath/nftables/adopt.ts';
import { Machine } from '../../../src/datapath/nftables/machine.ts';
import { newTable } from '../../../src/datapath/nftables/ruleset.ts';
import { defaultCapacity } from '../../../src/datapath/nftables/capacity.ts';
import { allSets } from '../../../src/datapath/nftables/sets.ts';
import { Tables } from '../../../src/datapath/nftables/tables.ts';
import { createNetns, deleteNetns } from '../../../src/kernel/netns.ts';
import type { Element } from '../../../src/kernel/nftables-changes.ts';
import { NftablesTable } from '../../../src/kernel/nftables-table.ts';
import { arbitraryChange } from '../../generate/scenario.ts';
import { isRoot } from '../kernel-tables.ts';
import { testOptions } from './interpreted.ts';

const setNames = allSets().map(({ set }) => set.name);

/** Order is the kernel's own; which counter an element names is not read back. */
function contentOf(elements: readonly Element[] | undefined): string[] {
  const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex');
  const texts = (elements ?? []).map(
    ({ key, last, end, value }) => `${hex(key)}-${hex(last)}${end ? ' end' : ''}: ${hex(value)}`,
  );
  return texts.sort();
}

describe.skipIf(!isRoot)('[root] the kernel and the interpreter', () => {
  const netns = `/run/netns/bhtest-${process.pid}-nftables`;
  const machine = new Machine();
  let table: NftablesTable;
  let tables: Tables;
  const compiler = new Compiler();
  let held: NodeTables = emptyTables;

  const makeTables = (owner: number): Tables =>
    new Tables({
      commit: (changes) => {
        table.commit(changes);
        machine.commit(changes);
      },
      waitForPackets: () => undefined,
      owner,
      capacity: defaultCapacity,
    });

  const expectSame = (): void => {
    for (const name of setNames)
      expect([name, ...contentOf(table.elements(name))]).toEqual([
        name,
        ...contentOf(machine.elements(name)),
      ]);
    expect(
      table
        .counters()
        .map(({ name }) => name)
        .sort(),
    ).toEqual([...machine.counters].sort());
  };

  beforeAll(() => {
    createNetns(netns);
    table = new NftablesTable(netns, 'bulkhead');
    tables = makeTables(1);
    tables.begin(computeDelta(emptyTables, emptyTables), newTable(testOptions).changes);
  });
  afterAll(() => {
    table.close();
    deleteNetns(netns);
  });

  test('a new table', () => {
    expectSame();
    expect(table.hasChain(newTable(testOptions).fingerprint)).toBe(true);
    expect(table.hasChain('made-by-nobody')).toBe(false);
  });

  test('change after change, and what a successor does to the table that they left', () => {
    let adopted = 0;
    fc.assert(
      fc.property(arbitraryChange, fc.boolean(), fc.boolean(), ({ before, after }, swept, succeeded) => {
        for (const { cluster, policies } of [before, after]) {
          const program = compiler.compile(cluster, policies);
          for (const node of cluster.nodes.values()) {
            const next = nodeTables(program, node.name, node.podCIDRs);
            const delta = computeDelta(held, next);
            if (succeeded) {
              tables = makeTables(2 + adopted);
              const whole = computeDelta(emptyTables, next);
              const taken = adopt((set) => table.elements(set), whole);
              if (taken) tables.adopt(whole, taken);
              else tables.begin(whole, [{ kind: 'delete-table' }, ...newTable(testOptions).changes]);
              adopted += taken ? 1 : 0;
            } else {
              tables.apply(delta);
            }
            held = next;
            if (swept) tables.sweep();
            expectSame();
          }
        }
      }),
      { numRuns: 25 },
    );
    expect(adopted).toBeGreaterThan(0);
  });
});
