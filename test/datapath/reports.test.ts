/** Counters and events of the loaded programs are exact, also when events find no room. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { icmp, ipv4, ipv6, tcp } from '../../src/datapath/packet.ts';
import { hasClang, withObject } from './broken-objects.ts';
import { rules, serverIngress, clientEgress, world, worldDelta } from './guard-world.ts';
import { isRoot, KernelTables, testCapacity, tracking } from './kernel-tables.ts';
import { addressBytes } from '../../src/objects/ip.ts';

const [four, six] = [world[4], world[6]];
const allowed = ipv4({
  source: four.client,
  destination: four.server,
  protocol: 6,
  payload: tcp({ port: 80 }),
});
const denied = ipv6({ source: six.client, destination: six.server, protocol: 6, payload: tcp({ port: 81 }) });

describe.skipIf(!isRoot)('[root] reports', () => {
  let kernel: KernelTables;
  const open = (options: ConstructorParameters<typeof KernelTables>[0]): void => {
    kernel = new KernelTables(options);
    kernel.tables.apply(worldDelta);
  };
  beforeEach(() => {
    open({});
  });
  afterEach(() => {
    kernel.close();
  });
  const reopen = (options: ConstructorParameters<typeof KernelTables>[0]): void => {
    kernel.close();
    open(options);
  };

  test('an event of an allowed connection', () => {
    const { events } = kernel.judge('forward4', allowed);
    expect(events).toEqual([
      {
        time: expect.any(BigInt),
        family: 4,
        hook: 'forward',
        source: addressBytes(four.client),
        destination: addressBytes(four.server),
        protocol: 6,
        sourcePort: 40_000,
        port: 80,
        allowed: true,
        egress: { reason: 'rule', rule: rules.anythingToServer, set: clientEgress },
        ingress: { reason: 'rule', rule: rules.tcp80, set: serverIngress },
      },
    ]);
  });

  test('no event of what passes by without a pod of this node', () => {
    const transit = ipv4({
      source: four.remote,
      destination: four.internet,
      protocol: 6,
      payload: tcp({ port: 80 }),
    });
    expect(kernel.judge('forward4', transit)).toEqual({ accepted: true, events: [] });
  });

  test('an event of a denied packet', () => {
    const { events } = kernel.judge('forward6', denied);
    expect(events).toMatchObject([
      {
        family: 6,
        source: addressBytes(six.client),
        destination: addressBytes(six.server),
        allowed: false,
        egress: { reason: 'rule', rule: rules.anythingToServer, set: clientEgress },
        ingress: { reason: 'default-deny', rule: 0, set: serverIngress },
      },
    ]);
  });

  test('the event of a packet to the node says so', () => {
    const packet = ipv4({ source: four.client, destination: four.node, protocol: 1, payload: icmp(8) });
    const { events } = kernel.judge('local_in4', packet);
    expect(events).toMatchObject([{ hook: 'local-in', protocol: 1, port: 0, sourcePort: 0, allowed: false }]);
  });

  test('the time of an event is the monotonic clock', () => {
    const before = process.hrtime.bigint();
    const [event] = kernel.judge('forward4', allowed).events;
    expect(event?.time).toBeGreaterThanOrEqual(before);
    expect(event?.time).toBeLessThanOrEqual(process.hrtime.bigint());
  });

  test('allowed connections make no events when nobody wants them, denied packets do', () => {
    reopen({ events: false });
    expect(kernel.judge('forward4', allowed).events).toEqual([]);
    expect(kernel.judge('forward6', denied).events).toHaveLength(1);
  });

  test('packets of a connection that is known already make no events', () => {
    reopen({ tracking: tracking.established });
    expect(kernel.judge('forward4', allowed).events).toEqual([]);
    expect(kernel.judge('forward6', denied).events).toHaveLength(1);
  });

  test('events come in order, and limit holds', () => {
    for (let port = 1; port <= 10; port++) {
      const packet = ipv4({
        source: four.client,
        destination: four.server,
        protocol: 6,
        payload: tcp({ port }),
      });
      kernel.run('forward4', packet);
    }
    expect(kernel.drain(4).map((event) => event.port)).toEqual([1, 2, 3, 4]);
    expect(kernel.drain().map((event) => event.port)).toEqual([5, 6, 7, 8, 9, 10]);
    expect(kernel.drain()).toEqual([]);
  });

  test('the ring is used round and round', () => {
    let seen = 0;
    for (let round = 0; round < 20; round++) {
      kernel.run('forward6', denied, 100);
      const events = kernel.drain();
      for (const event of events) expect(event).toMatchObject({ port: 81, allowed: false, family: 6 });
      seen += events.length;
    }
    expect(seen).toBe(2000);
    expect(kernel.counters().lostEvents).toBe(0n);
  });

  test('events that find no room are counted, and none is counted that was not', () => {
    reopen({ capacity: { ...testCapacity, eventBytes: 4096 } });
    kernel.run('forward6', denied, 1000);
    const events = kernel.drain();
    expect(events.length).toBeGreaterThan(10);
    expect(kernel.counters().lostEvents).toBe(BigInt(1000 - events.length));
    expect(kernel.judge('forward6', denied).events).toHaveLength(1);
  });

  test('every packet is counted by its reason, and by each rule that decided', () => {
    kernel.run('forward4', allowed, 1000);
    kernel.run('forward6', denied, 500);
    const counters = kernel.counters();
    const bytes = BigInt(allowed.length);
    expect(counters.reasons.rule).toEqual({
      allowed: { packets: 1000n, bytes: 1000n * bytes },
      denied: { packets: 0n, bytes: 0n },
    });
    expect(counters.reasons['default-deny'].denied.packets).toBe(500n);
    expect(counters.rules).toEqual(
      new Map([
        [rules.tcp80, { packets: 1000n, bytes: 1000n * bytes }],
        [rules.anythingToServer, { packets: 1500n, bytes: 1000n * bytes + 500n * BigInt(denied.length) }],
      ]),
    );
  });

  test.skipIf(!hasClang)('a verdict that is thrown away each time counts for no rule', async () => {
    // As if the tables changed under every look.
    const restless = { file: 'bpf/judge.h', from: 'if (control->epoch == epoch)', to: 'if (false)' };
    await withObject([restless], (objectPath) => {
      reopen({ objectPath });
      const { accepted, events } = kernel.judge('forward4', allowed);
      const nothing = { rule: 0, set: 0 };
      expect({ accepted, events }).toMatchObject({
        accepted: false,
        events: [{ allowed: false, egress: { reason: 'none', ...nothing }, ingress: nothing }],
      });
      expect(kernel.counters().rules).toEqual(new Map());
      expect(kernel.counters().reasons.none.denied.packets).toBe(1n);
    });
  });
});
