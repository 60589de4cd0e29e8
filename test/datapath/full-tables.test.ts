/** Tables that hold as much as they may: what takes another's place fits, what comes beside it does not. */
import { describe, expect, test } from 'vitest';
import type { Delta } from '../../src/compiler/tables.ts';
import { defaultCapacity as ebpfCapacity } from '../../src/datapath/ebpf/capacity.ts';
import { randomSeed } from '../../src/datapath/ebpf/hash.ts';
import { Tables as EbpfTables } from '../../src/datapath/ebpf/tables.ts';
import { defaultCapacity as nftablesCapacity } from '../../src/datapath/nftables/capacity.ts';
import { Machine } from '../../src/datapath/nftables/machine.ts';
import { newTable } from '../../src/datapath/nftables/ruleset.ts';
import { Tables as NftablesTables } from '../../src/datapath/nftables/tables.ts';
import { heapMemory } from './heap-memory.ts';
import { testOptions } from './nftables/interpreted.ts';

/** One row of the set for everybody, and of its class. */
function rows(id: number): Delta['add'] {
  return {
    classes: [{ set: id, identity: 0, class: id, lengths: 1 << 16 }],
    ports: [{ class: id, protocol: 6, port: 80, prefixLength: 16, rule: 1, allow: true }],
  };
}

const none: Delta['add'] = { classes: [], ports: [] };

function delta(add: Delta['add'], sweep: Delta['sweep']): Delta {
  return { add, stage: { addresses: [], cidrs: [] }, sweep };
}

const full = { classes: 2, ports: 2 };

const engines: Readonly<Record<string, () => (change: Delta) => void>> = {
  ebpf: () => {
    const capacity = { ...ebpfCapacity, addresses: 16, cidrs: 16, ...full };
    const tables = new EbpfTables({ memory: heapMemory(capacity), seed: randomSeed(), capacity, flags: 0 });
    return (change) => tables.apply(change);
  },
  nftables: () => {
    const machine = new Machine();
    const tables = new NftablesTables({
      commit: (changes) => machine.commit(changes),
      waitForPackets: () => undefined,
      owner: 1,
      capacity: { ...nftablesCapacity, ...full },
    });
    tables.begin(delta(none, none), newTable(testOptions).changes);
    return (change) => tables.apply(change);
  },
};

describe.each(Object.keys(engines))('full tables of %s', (engine) => {
  test('take rows in place of others, again and again, and no row more', () => {
    const apply = engines[engine]?.() ?? expect.unreachable();
    apply(delta(rows(1), none));
    apply(delta(rows(2), none));
    for (let id = 2; id < 20; id += 1) apply(delta(rows(id + 1), rows(id - 1)));
    expect(() => apply(delta(rows(30), none))).toThrow(/DATAPATH_FULL.*needs 3 entries/s);
    apply(delta(rows(31), rows(20)));
  });
});
