/** Change after change under real packets: each sees one policy, whole. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  addressEdit,
  combined,
  editChanges,
  sharedEntries,
} from '../../../src/datapath/nftables/entries-of-delta.ts';
import { defaultCapacity } from '../../../src/datapath/nftables/capacity.ts';
import { newTable } from '../../../src/datapath/nftables/ruleset.ts';
import { Tables } from '../../../src/datapath/nftables/tables.ts';
import { waitForPackets } from '../../../src/kernel/grace-period.ts';
import { NftablesTable } from '../../../src/kernel/nftables-table.ts';
import { world } from '../guard-world.ts';
import { isRoot } from '../kernel-tables.ts';
import { lowUdpPorts, policyChange } from '../policy-chain.ts';
import { TestNetwork } from '../test-network.ts';
import { testOptions } from './interpreted.ts';

const flood = join(import.meta.dirname, '../flood.ts');

describe.skipIf(!isRoot)('[root] change after change under traffic', () => {
  let network: TestNetwork;
  let table: NftablesTable;
  let tables: Tables;
  let child: ChildProcess;

  beforeEach(async () => {
    network = new TestNetwork();
    table = new NftablesTable(network.node, 'bulkhead');
    tables = new Tables({
      commit: (changes) => {
        table.commit(changes);
      },
      waitForPackets: () => {
        waitForPackets(performance.now());
      },
      owner: 1,
      capacity: defaultCapacity,
    });
    tables.begin(policyChange(0, 1), newTable({ ...testOptions, allowedEvents: false }).changes);
    tables.sweep();
    const args = [network.pod('client'), world[4].server.text, '53', '54'];
    child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', flood, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (child.stdout) await once(child.stdout, 'data');
  });
  afterEach(() => {
    child.kill('SIGKILL');
    table.close();
    network.remove();
  });

  const packets = (name: string): bigint =>
    table.counters().find((counter) => counter.name === name)?.packets ?? 0n;

  test('every packet is allowed, as every policy allows it', () => {
    for (let n = 1; n % 10 > 0 || packets('allowed-not-isolated') < 50_000n; n++) {
      tables.apply(policyChange(n, n + 1));
      tables.sweep();
    }
    expect(packets('denied-default-deny')).toBe(0n);
  });

  // Of sets of ranges the kernel shows what a transaction adds only at its end, after the rules.
  test('and so it is where policies name ranges of ports', () => {
    tables.apply({ ...policyChange(1, 2, lowUdpPorts), sweep: policyChange(1, 2).sweep });
    for (let n = 2; n < 300; n++) {
      tables.apply(policyChange(n, n + 1, lowUdpPorts));
      tables.sweep();
    }
    expect(packets('allowed-not-isolated')).toBeGreaterThan(10_000n);
    expect(packets('denied-default-deny')).toBe(0n);
  });

  // A transaction is atomic, a packet's lookups are not.
  test('which would not be so, were the version in use changed', () => {
    for (let n = 1; n % 100 > 0 || packets('denied-default-deny') === 0n; n++) {
      const { add, stage } = policyChange(n, n + 1);
      const remove = n > 4 ? sharedEntries(policyChange(n - 4, n).sweep) : [];
      const inPlace = combined({ remove, add: sharedEntries(add) }, addressEdit(0, stage.addresses));
      table.commit(editChanges(inPlace));
    }
    expect(packets('denied-default-deny')).toBeGreaterThan(0n);
  });
});
