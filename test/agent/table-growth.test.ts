/** What does not fit is put in force in larger tables, as long as they may grow. */
import { describe, expect, test } from 'vitest';
import { growingDatapath } from '../../src/agent/growing-datapath.ts';
import type { GrowingDatapath } from '../../src/agent/growing-datapath.ts';
import type { Logger } from '../../src/agent/log.ts';
import { detachEngines } from '../../src/agent/node-datapath.ts';
import { NodeEnforcer } from '../../src/agent/node-enforcer.ts';
import { policyId, wantedPolicy } from '../../src/agent/policy-intake.ts';
import { TableGrowth } from '../../src/agent/table-growth.ts';
import type { EngineName } from '../../src/datapath/engine-choice.ts';
import { pinnedGenerations } from '../../src/datapath/ebpf/generations.ts';
import { ipv4, tcp } from '../../src/datapath/packet.ts';
import { BulkheadError, failure } from '../../src/errors.ts';
import { decodeApiPolicy } from '../../src/sources/api/network-policy.ts';
import { isRoot } from '../datapath/kernel-tables.ts';
import { sendRaw } from '../datapath/raw-packets.ts';
import { TestNetwork } from '../datapath/test-network.ts';
import { FakeDatapath } from './fake-datapath.ts';
import { flowTo, policy, state, updateBetween, world } from './two-pods.ts';

const portsOf = ({ ports = 2 }: { ports?: number }): number => ports;

describe('tables', () => {
  const growth = (limit: number) => new TableGrowth({ bytesOf: portsOf, limit });

  test('double until there is room', () => {
    const tables = growth(100);
    expect(tables.grow({ what: 'ports', capacity: 2, needed: 9 })).toBe(true);
    expect(tables.capacity).toEqual({ ports: 16 });
    expect(tables.grow({ what: 'ports', capacity: 16 })).toBe(true);
    expect(tables.bytes).toEqual({ taken: 32, limit: 100 });
  });

  test('grow no further than they may, and stay as they were', () => {
    const tables = growth(31);
    expect(tables.grow({ what: 'ports', capacity: 2, needed: 16 })).toBe(true);
    expect(tables.grow({ what: 'ports', capacity: 16, needed: 17 })).toBe(false);
    expect(tables.grow({ what: 'identities', capacity: 1, needed: 2 })).toBe(false);
    expect(tables.capacity).toEqual({ ports: 16 });
  });

  test('do not grow again where the machine has no more', () => {
    const tables = growth(100);
    tables.grow({ what: 'ports', capacity: 2, needed: 4 });
    tables.grow({ what: 'ports', capacity: 4, needed: 8 });
    tables.giveBack();
    expect(tables.capacity).toEqual({ ports: 4 });
    expect(tables.grow({ what: 'ports', capacity: 4, needed: 8 })).toBe(false);
  });
});

describe('a policy that does not fit', () => {
  function setUp({ limit, memory = Infinity }: { limit: number; memory?: number }) {
    const opened: FakeDatapath[] = [];
    const growth = new TableGrowth({ bytesOf: portsOf, limit });
    const enforcer = new NodeEnforcer(
      'n1',
      (capacity) => {
        if (portsOf(capacity) > memory) throw new BulkheadError(failure('BPF_LOAD_FAILED', 'no memory'));
        const datapath = Object.assign(new FakeDatapath(), { growablePorts: portsOf(capacity) });
        opened.push(datapath);
        return datapath;
      },
      growth,
    );
    const before = state(`${world}${policy('server', [80])}`);
    enforcer.update(updateBetween(undefined, before));
    const change = (ports: readonly number[]) => {
      const after = state(`${world}${policy('server', ports)}`);
      enforcer.update(updateBetween(before, after), 1000);
      const reached = (port: number) => opened.at(-1)?.model.judge(flowTo(after.cluster, port)).allowed;
      return { reached };
    };
    return { enforcer, opened, change };
  }

  test('is in force in larger tables, and the smaller ones are let go', () => {
    const { enforcer, opened, change } = setUp({ limit: 64 });
    const { reached } = change([1, 3, 5, 7, 9]);
    expect([enforcer.behind, [...enforcer.refusals]]).toEqual([undefined, []]);
    expect(opened.map(({ closed }) => closed)).toEqual([true, false]);
    expect([reached(9), reached(80)]).toEqual([true, false]);
  });

  test('is refused where they may not grow so far, and nothing is made anew for it', () => {
    const { enforcer, opened, change } = setUp({ limit: 4 });
    const { reached } = change([1, 3, 5, 7, 9]);
    expect(enforcer.refusals.get('NetworkPolicy/x/server')).toMatchObject({
      code: 'DATAPATH_FULL',
      enforced: 'previous',
    });
    for (let round = 0; round < 3; round++) enforcer.retryRefused();
    expect(opened).toHaveLength(1);
    expect([reached(9), reached(80)]).toEqual([false, true]);
  });

  test('is refused where the machine has no memory for it, once and for all', () => {
    const { enforcer, opened, change } = setUp({ limit: 64, memory: 4 });
    const { reached } = change([1, 3, 5, 7, 9]);
    expect(enforcer.refusals.get('NetworkPolicy/x/server')?.code).toBe('DATAPATH_FULL');
    const openedOnce = opened.length;
    for (let round = 0; round < 3; round++) enforcer.retryRefused();
    expect(opened).toHaveLength(openedOnce);
    expect([reached(9), reached(80)]).toEqual([false, true]);
  });

  test('lets no datapath go before there is a larger one', () => {
    const { enforcer, opened, change } = setUp({ limit: 64, memory: 4 });
    change([1, 3, 5, 7, 9]);
    expect(enforcer.behind).toBeUndefined();
    expect(opened.map(({ closed }) => closed)).toEqual([false]);
  });
});

/** A node of its own, for the time of `run`. */
async function onNode(
  engine: EngineName,
  memory: number,
  run: (node: GrowingNode) => void | Promise<void>,
): Promise<void> {
  const network = new TestNetwork();
  const place = { netns: network.node, bpffs: network.bpffs, pinDir: `${network.bpffs}/bulkhead` };
  const errors: string[] = [];
  const logger: Logger = {
    log: (level, message) => {
      if (level === 'error') errors.push(message);
    },
  };
  const tables = growingDatapath({ ...place, engine, podInterfacePrefix: () => undefined, memory, logger });
  const enforcer = new NodeEnforcer('n1', tables.open, tables.growth);
  try {
    enforcer.update(updateBetween(undefined, state(world)));
    await run({ enforcer, network, tables, errors, generations: () => pinnedGenerations(place.pinDir) });
  } finally {
    enforcer.close();
    detachEngines(place);
    network.remove();
  }
}

/** Blocks that eBPF has no room for at first. */
function largePolicy() {
  const from = Array.from({ length: 20_000 }, (_, index) => ({
    ipBlock: { cidr: `11.${index >> 8}.${index & 255}.0/25` },
  }));
  const metadata = { namespace: 'x', name: 'large' };
  const { policy: large } = decodeApiPolicy({ metadata, spec: { podSelector: {}, ingress: [{ from }] } });
  return [policyId('x/large'), wantedPolicy(large, 0)] as const;
}

interface GrowingNode {
  readonly network: TestNetwork;
  readonly enforcer: NodeEnforcer;
  readonly tables: GrowingDatapath;
  readonly errors: readonly string[];
  readonly generations: () => readonly number[];
}

describe.skipIf(!isRoot).each(['ebpf', 'nftables'] as const)('[root] in the kernel, with %s', (engine) => {
  test('more blocks than there is room for at first are in force, in one generation', async () => {
    await onNode(engine, 128 << 20, ({ enforcer, tables, generations }) => {
      enforcer.update({ policies: [largePolicy()] });
      expect([enforcer.behind, [...enforcer.refusals]]).toEqual([undefined, []]);
      expect(tables.room().capacity.cidrs).toBeGreaterThanOrEqual(20_000);
      expect([...enforcer.audit()].flat()).toEqual([]);
      expect(generations()).toHaveLength(engine === 'ebpf' ? 1 : 0);
    });
  });

  test('counters go on where tables grow, and where the datapath is made anew', async () => {
    await onNode(engine, 128 << 20, async ({ enforcer, network, generations }) => {
      const kept = state(`${world}${policy('kept', [80])}`);
      enforcer.update(updateBetween(state(world), kept));
      const { source, destination } = flowTo(kept.cluster, 80);
      let sent = 0;
      const send = (port: number) => {
        const payload = tcp({ sourcePort: 1024 + (sent += 1), port });
        sendRaw({
          netns: network.pod('server'),
          packet: ipv4({ source, destination, protocol: 6, payload }),
        });
      };
      const counted = () => {
        const { rules, reasons } = enforcer.counters();
        const rule = enforcer.legend.rules.entries().find(([, { name }]) => name === 'kept')?.[0] ?? 0;
        return [rules.get(rule)?.packets ?? 0n, reasons['default-deny'].denied.packets];
      };
      const counts = async (...expected: readonly bigint[]) => {
        await expect.poll(counted).toEqual(expected);
      };
      for (const port of [80, 80, 81]) send(port);
      await counts(2n, 1n);
      const before = generations();
      enforcer.update({ policies: [largePolicy()] });
      expect(enforcer.behind).toBeUndefined();
      if (engine === 'ebpf') expect(generations()).not.toEqual(before);
      expect(counted()).toEqual([2n, 1n]);
      for (const port of [80, 81]) send(port);
      await counts(3n, 2n);
      enforcer.rebuild();
      expect(counted()).toEqual([3n, 2n]);
      for (const port of [80, 81]) send(port);
      await counts(4n, 3n);
    });
  });
});

test.skipIf(!isRoot)('[root] where the kernel has no larger tables, those that there are go on', async () => {
  await onNode('ebpf', Infinity, ({ enforcer, tables, errors, generations }) => {
    tables.growth?.grow({ what: 'rules', capacity: 2 ** 26, needed: 2 ** 27 });
    expect(() => enforcer.rebuild()).toThrow('BPF_LOAD_FAILED');
    expect(errors).toEqual([expect.stringMatching(/^there are no larger tables: .*BPF_LOAD_FAILED/)]);
    const after = state(`${world}${policy('server', [80])}`);
    enforcer.update(updateBetween(state(world), after));
    expect(enforcer.behind).toBeUndefined();
    expect([...enforcer.audit()].flat()).toEqual([]);
    expect(generations()).toEqual([1]);
  });
});
