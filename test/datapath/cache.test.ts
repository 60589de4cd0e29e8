/** Verdicts that are kept for later packets: never another verdict than the tables would give now. */
import { afterEach, describe, expect, test } from 'vitest';
import { ipv4, ipv6, tcp } from '../../src/datapath/packet.ts';
import { layouts } from '../../src/datapath/ebpf/layout.ts';
import { cacheBugs } from '../seeded-bugs/cache-bugs.ts';
import { hasClang, withObject } from './broken-objects.ts';
import { cacheFaults, givenBack, nothing, OneEntry, podsByHopLimit, revoked } from './cache-faults.ts';
import { rules, world, worldDelta } from './guard-world.ts';
import { isRoot, KernelTables, testCapacity, tracking } from './kernel-tables.ts';

const oneEntry = { ...testCapacity, cachedVerdicts: 1 };

/** By load: a packet of a flow from the client to TCP port 80 of the server. */
const packets = {
  established: {
    4: ipv4({
      source: world[4].client,
      destination: world[4].server,
      protocol: 6,
      payload: tcp({ port: 80 }),
    }),
    6: ipv6({
      source: world[6].client,
      destination: world[6].server,
      protocol: 6,
      payload: tcp({ port: 80 }),
    }),
  },
  reply: {
    4: ipv4({
      source: world[4].server,
      destination: world[4].client,
      protocol: 6,
      payload: tcp({ sourcePort: 80, port: 40_000 }),
    }),
    6: ipv6({
      source: world[6].server,
      destination: world[6].client,
      protocol: 6,
      payload: tcp({ sourcePort: 80, port: 40_000 }),
    }),
  },
} as const;

describe.skipIf(!isRoot)('[root] a kept verdict', () => {
  let kernel: KernelTables;
  afterEach(() => {
    kernel.close();
  });
  const open = (load: keyof typeof packets): void => {
    kernel = new KernelTables({ capacity: oneEntry, tracking: tracking[load] });
    kernel.tables.apply(worldDelta);
  };

  describe.each(['established', 'reply'] as const)('of the %s direction', (load) => {
    test.each([4, 6] as const)('is worthless with the next commit, IPv%s', (family) => {
      open(load);
      const run = (): boolean => kernel.run(`forward${family}`, packets[load][family]);
      expect([run(), run()]).toEqual([true, true]);
      expect(new OneEntry(kernel).isEmpty).toBe(false);
      kernel.tables.apply(revoked);
      expect([run(), run()]).toEqual([false, false]);
      kernel.tables.apply(givenBack);
      expect([run(), run()]).toEqual([true, true]);
    });

    test('is not taken for one of the same copy of the tables, two commits later', () => {
      open(load);
      const run = (): boolean => kernel.run('forward4', packets[load][4]);
      expect(run()).toBe(true);
      kernel.tables.apply(revoked);
      kernel.tables.apply(nothing);
      expect(run()).toBe(false);
    });
  });

  test('serves both directions', () => {
    open('established');
    kernel.run('forward4', packets.established[4]);
    const { size, sequence } = layouts.cached_verdict;
    const flowOf = (one: KernelTables): Uint8Array =>
      new Uint8Array(new OneEntry(one).read().buffer).subarray(sequence + 4, size);
    const original = flowOf(kernel);
    kernel.close();
    open('reply');
    kernel.run('forward4', packets.reply[4]);
    expect(flowOf(kernel)).toEqual(original);
  });

  test('is counted for its rules, packet by packet', () => {
    open('established');
    kernel.run('forward4', packets.established[4], 1000);
    const counted = { packets: 1000n, bytes: 1000n * BigInt(packets.established[4].length) };
    expect(kernel.counters().rules).toEqual(
      new Map([
        [rules.tcp80, counted],
        [rules.anythingToServer, counted],
      ]),
    );
    expect(kernel.counters().reasons.rule.allowed).toEqual(counted);
  });
});

const pods = [podsByHopLimit];

describe.skipIf(!isRoot || !hasClang)('[root] with kept verdicts as without', () => {
  test('flows that meet in one entry and differ in one thing, and changes', async () => {
    expect(await withObject(pods, cacheFaults)).toEqual([]);
  });

  test.each(Object.entries(cacheBugs))('or it is noticed: %s', async (_, bug) => {
    expect(await withObject([...pods, bug], cacheFaults)).not.toEqual([]);
  });
});
