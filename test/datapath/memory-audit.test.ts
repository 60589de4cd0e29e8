/** What somebody else writes into the tables is noticed, wherever it is. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Datapath } from '../../src/datapath/datapath.ts';
import { detachEbpfDatapath } from '../../src/datapath/ebpf/ebpf-datapath.ts';
import { pinnedGenerations } from '../../src/datapath/ebpf/generations.ts';
import { tableNames, tableWords } from '../../src/datapath/ebpf/table-memory.ts';
import type { TableName } from '../../src/datapath/ebpf/table-memory.ts';
import type { Words } from '../../src/datapath/ebpf/words.ts';
import { windowSize } from '../../src/kernel/shared-memory.ts';
import { emptyTables } from '../../src/compiler/delta.ts';
import { worldDelta } from './guard-world.ts';
import { heapWords } from './heap-memory.ts';
import { isRoot, testCapacity } from './kernel-tables.ts';
import { openEngine } from './test-engines.ts';
import { TestNetwork } from './test-network.ts';

describe('memory', () => {
  const length = (3 * windowSize) / 4;
  const index = fc.nat(length - 1);
  const word = fc.nat(0xffffffff);
  const write = fc.oneof(
    fc.tuple(fc.constant('write'), index, word),
    fc.tuple(fc.constant('pair'), index, word),
    fc.tuple(fc.constant('copy'), index, index),
    fc.tuple(fc.constant('publish'), index, word),
  );

  function apply(words: Words, writes: readonly (readonly [string, number, number])[]): void {
    for (const [how, at, value] of writes) {
      if (how === 'write') words.write(at, value);
      else if (how === 'pair') words.writePair(at & ~1, value, ~value);
      else if (how === 'copy') words.copyLine(at >> 4, value >> 4);
      else words.publish(at, value);
    }
  }

  const changed = (words: Words): number[] => [...words.changedPages(0, words.pages)];

  test('is intact whatever its owner writes, and no longer once one bit is another, whatever is written then', () => {
    fc.assert(
      fc.property(fc.array(write), index, fc.nat(31), fc.array(write), (before, at, bit, after) => {
        const words = heapWords('ports', length);
        apply(words, before);
        expect(changed(words)).toEqual([]);
        new Uint32Array(words.memory.buffer)[at] = words.read(at) ^ (1 << bit);
        apply(words, after);
        expect(changed(words)).toEqual([Math.floor(at / 1024)]);
      }),
    );
  });
});

/** Of an entry, in bytes. */
const sizes: Readonly<Record<TableName, number>> = {
  control: 8,
  roots4: 4 * tableWords(testCapacity).roots4,
  nodes4: 4 * tableWords(testCapacity).nodes4,
  directory6: 16,
  addresses6: 64,
  subjects: 16,
  classes: 64,
  ports: 64,
  port_lists: 4 * tableWords(testCapacity).port_lists,
};

describe.skipIf(!isRoot)('[root] an audit', () => {
  let network: TestNetwork;
  let datapath: Datapath;

  beforeEach(() => {
    network = new TestNetwork();
    datapath = openEngine('ebpf', network);
    datapath.apply(worldDelta);
  });
  afterEach(() => {
    datapath.close();
    detachEbpfDatapath({ netns: network.node, pinDir: network.pinDir });
    network.remove();
  });

  const details = (): string[] => [...datapath.audit(emptyTables)].flat().map(({ detail }) => detail);

  test.each(tableNames)('notices what another process writes into %s, in either copy', (name) => {
    expect(details()).toEqual([]);
    const size = sizes[name];
    const pin = join(network.pinDir, String(pinnedGenerations(network.pinDir).at(-1)), name);
    const places = [0, 4 * tableWords(testCapacity)[name] - 1];
    const script = join(import.meta.dirname, 'flip-bit.ts');
    const command = [script, String(size), pin, ...places.map(String)];
    expect(spawnSync(process.execPath, command).status).toBe(0);
    const pages = places.map((place) => Math.floor(place / 4096));
    const found = details().map((detail) =>
      /^the map (\w+) was written by somebody else: (\d+) of its .*, the first at byte (\d+)$/.exec(detail),
    );
    expect(new Set(found.map((match) => match?.[1]))).toEqual(new Set([name]));
    expect(found.reduce((sum, match) => sum + Number(match?.[2]), 0)).toBe(new Set(pages).size);
    expect(found[0]?.[3]).toBe('0');
  });
});
