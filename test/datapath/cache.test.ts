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

test.skipIf(!isRoot)('[root] flows that share the places of kept verdicts are all found again', () => {
  const flows = 192;
  const kernel = new KernelTables({
    capacity: { ...testCapacity, cachedVerdicts: 256 },
    tracking: tracking.established,
  });
  kernel.tables.apply(worldDelta);
  const { size, sequence } = layouts.cached_verdict;
  const pass = (): number[] => {
    for (let port = 7936; port < 7936 + flows; port++) {
      if (port !== 8080) {
        const { client: source, server: destination } = world[4];
        kernel.run('forward4', ipv4({ source, destination, protocol: 6, payload: tcp({ port }) }));
      }
    }
    const bytes = new Uint8Array(256 * size);
    kernel.object.maps.cached_verdicts.getFirst(256, bytes);
    const view = new DataView(bytes.buffer);
    return Array.from({ length: 256 }, (_, index) => view.getUint32(index * size + sequence, true));
  };
  const sequences = pass();
  expect(sequences.filter((count) => count > 0)).toEqual(Array.from({ length: flows - 1 }, () => 2));
  // So that it says something: places are shared by two, three and four.
  const shared = Map.groupBy(sequences.keys(), (index) => (sequences[index] ? index >> 2 : -1));
  shared.delete(-1);
  expect(new Set(shared.values().map((indexes) => indexes.length))).toEqual(new Set([2, 3, 4]));
  expect(pass()).toEqual(sequences);
  kernel.close();
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
