/** How much of the kernel's tables is in this process. */
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { emptyTables } from '../../src/compiler/delta.ts';
import type { Datapath } from '../../src/datapath/datapath.ts';
import { defaultCapacity } from '../../src/datapath/ebpf/capacity.ts';
import { openEbpfDatapath } from '../../src/datapath/ebpf/ebpf-datapath.ts';
import { tableNames, tableWords } from '../../src/datapath/ebpf/table-memory.ts';
import { worldDelta } from './guard-world.ts';
import { isRoot, objectPath } from './kernel-tables.ts';
import { podInterfacePrefix, TestNetwork } from './test-network.ts';

/** Bytes of BPF maps that this process has mapped, proc_pid_maps(5). */
function mappedBytes(): number {
  const lines = readFileSync('/proc/self/maps', 'utf8').split('\n');
  return lines
    .filter((line) => line.endsWith('bpf-map'))
    .map(
      (line) =>
        /^(\w+)-(\w+) /
          .exec(line)
          ?.slice(1)
          .map((text) => parseInt(text, 16)) ?? [],
    )
    .reduce((sum, [from = 0, to = 0]) => sum + to - from, 0);
}

describe.skipIf(!isRoot)('[root] tables in memory', () => {
  let network: TestNetwork;
  let datapath: Datapath;

  beforeEach(() => {
    network = new TestNetwork();
  });
  afterEach(() => {
    datapath.detach();
    network.remove();
  });

  test('are mapped where something is written to them, also after they were looked through', () => {
    const before = mappedBytes();
    datapath = openEbpfDatapath({
      netns: network.node,
      pinDir: network.pinDir,
      objectPath,
      capacity: defaultCapacity,
      podInterfacePrefix,
    });
    datapath.apply(worldDelta);
    datapath.counters();
    const mapped = mappedBytes() - before;
    const words = tableWords(defaultCapacity);
    expect(mapped).toBeGreaterThan(0);
    expect(mapped).toBeLessThan(tableNames.reduce((sum, name) => sum + 4 * words[name], 0) / 8);
    expect([...datapath.audit(emptyTables)].flat()).toEqual([]);
    expect(mappedBytes() - before).toBe(mapped);
  });
});
