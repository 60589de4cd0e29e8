/** The engines on real packets between real network namespaces. */
import { spawnSync } from 'node:child_process';
import { closeSync } from 'node:fs';
import type { Server } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { icmp, ipv4, ipv6, tcp, udp } from '../../src/datapath/packet.ts';
import type { Delta } from '../../src/compiler/tables.ts';
import type { Datapath, DatapathReason, FlowEvent } from '../../src/datapath/datapath.ts';
import { inNetns } from '../../src/kernel/netns.ts';
import { udpSocket } from '../../src/kernel/socket.ts';
import { addressBytes } from '../../src/objects/ip.ts';
import { Conversation, echoServer, until } from './conversation.ts';
import { linkLocal, serverIngress, world, worldDelta } from './guard-world.ts';
import { isRoot } from './kernel-tables.ts';
import { sendRaw } from './raw-packets.ts';
import { engineNames, openEngine } from './test-engines.ts';
import { ip, TestNetwork } from './test-network.ts';

const nothing = {
  add: { ports: [], classes: [] },
  stage: { addresses: [], cidrs: [] },
  sweep: { ports: [], classes: [] },
};

/** Takes away, and gives back, what lets the client reach the server: the server's identity in the client's eyes. */
function serverIdentity(from: number, to: number): Delta {
  const servers = [world[4].server.text, world[6].server.text];
  const rows = worldDelta.stage.addresses.filter((row) =>
    row.addresses.some(({ text }) => servers.includes(text)),
  );
  const addresses = rows.flatMap(({ addresses: at, to: value }) =>
    value ? [{ addresses: at, from: { ...value, identity: from }, to: { ...value, identity: to } }] : [],
  );
  return { ...nothing, stage: { addresses, cidrs: [] } };
}

/** What the server takes from an identity at a TCP port. */
function portToServer(
  id: number,
  { rule, port, from }: Record<'rule' | 'port' | 'from', number>,
): Delta['add'] {
  const row = { class: id, protocol: 6, port, prefixLength: 16, allow: true, rule };
  return {
    ports: [row],
    classes: [{ set: serverIngress, identity: from, class: id, lengths: 2 ** row.prefixLength }],
  };
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const server = 6;
const open = 7;
const somebodyElse = 77;

describe.skipIf(!isRoot).each(engineNames)('[root] %s between network namespaces', (engine) => {
  let network: TestNetwork;
  let datapath: Datapath;
  const servers: Server[] = [];
  let conversations: Conversation[] = [];

  beforeAll(async () => {
    network = new TestNetwork();
    datapath = openEngine(engine, network);
    datapath.apply(worldDelta);
    for (const [netns, port] of [
      [network.pod('server'), 80],
      [network.pod('server'), 81],
      [network.pod('open'), 80],
      [network.node, 80],
    ] as const) {
      servers.push(await echoServer(netns, port));
    }
  });
  afterEach(() => {
    for (const conversation of conversations) conversation.close();
    conversations = [];
    events();
  });
  afterAll(() => {
    for (const one of servers) one.close();
    datapath.detach();
    network.remove();
  });

  const talk = (
    from: 'client' | 'server' | 'open' | 'node',
    to: Parameters<typeof Conversation.tcp>[1],
    port: number,
  ) => {
    const conversation = Conversation.tcp(from === 'node' ? network.node : network.pod(from), to, port);
    conversations.push(conversation);
    return conversation;
  };
  const datagrams = (
    from: 'client' | 'server' | 'open',
    to: Parameters<typeof Conversation.udp>[1],
    port: number,
  ) => {
    const conversation = Conversation.udp(network.pod(from), to, port);
    conversations.push(conversation);
    return conversation;
  };
  const counted = (reason: DatapathReason, way: 'allowed' | 'denied'): number =>
    Number(datapath.counters().reasons[reason][way].packets);
  /** Packets that the guard before the programs stopped. */
  const spoofed = (): number => {
    const list = ['list', 'counter', 'inet', 'bulkhead-guard', 'spoofed'];
    const { stdout } = inNetns(network.node, () => spawnSync('nft', list, { encoding: 'utf8' }));
    return Number(/packets (\d+)/.exec(stdout)?.[1]);
  };
  const events = (): FlowEvent[] => {
    const taken: FlowEvent[] = [];
    datapath.drainEvents(Infinity, (event) => taken.push(event));
    return taken;
  };
  /** By how many packets `action` raises a counter; waits for the first. */
  const grows = async (
    reason: DatapathReason,
    way: 'allowed' | 'denied',
    action: () => void,
  ): Promise<number> => {
    const before = counted(reason, way);
    action();
    await until(() => counted(reason, way) > before);
    return counted(reason, way) - before;
  };

  describe.each([4, 6] as const)('IPv%s', (family) => {
    const at = world[family];

    test('an allowed connection carries data both ways, though the server may open none itself', async () => {
      const conversation = talk('client', at.server, 80);
      await until(() => conversation.connected);
      conversation.say('hello');
      await conversation.hears('hello');
      expect(counted('reply', 'allowed')).toBeGreaterThan(0);
    });

    test('a denied connection makes no connection', async () => {
      const denied = counted('default-deny', 'denied');
      const conversation = talk('client', at.server, 81);
      await until(() => counted('default-deny', 'denied') > denied);
      expect(conversation.connected).toBe(false);
    });

    test('revoking cuts a live connection, and giving back mends it', async () => {
      const conversation = talk('client', at.server, 80);
      await until(() => conversation.connected);
      conversation.say('before');
      await conversation.hears('before');
      datapath.apply(serverIdentity(server, somebodyElse));
      const denied = counted('default-deny', 'denied');
      conversation.say('lost');
      await until(() => counted('default-deny', 'denied') > denied + 1);
      expect(conversation.heard()).toBe('');
      datapath.apply(serverIdentity(somebodyElse, server));
      await conversation.hears('lost');
    });

    test('a refusal comes back', async () => {
      const conversation = talk('open', at.client, 4444);
      await until(() => conversation.refused);
    });

    test('an ICMP error about an allowed flow comes back, from a pod that may open nothing', async () => {
      const related = counted('related', 'allowed');
      const conversation = datagrams('client', at.server, 53);
      conversation.say('anybody there?');
      await until(() => counted('related', 'allowed') > related);
      await until(() => conversation.refused);
    });

    test('the node reaches its pods, whatever their policies say', async () => {
      const conversation = talk('node', at.server, 80);
      await until(() => conversation.connected);
    });

    test('a pod reaches its node if its policies say so', async () => {
      const allowed = talk('open', at.node, 80);
      await until(() => allowed.connected);
      const denied = counted('default-deny', 'denied');
      const refused = talk('client', at.node, 80);
      await until(() => counted('default-deny', 'denied') > denied);
      expect(refused.connected).toBe(false);
    });

    test("what the node says to itself is nobody's business", async () => {
      const before = counted('no-subject', 'allowed');
      const conversation = talk('node', at.node, 80);
      await until(() => conversation.connected);
      expect(counted('no-subject', 'allowed')).toBeGreaterThan(before);
    });

    test('not even by an address of the pod range that no pod has, such as that of a bridge', async () => {
      const bridge = `${at.nobody.text}/${family === 4 ? 32 : 128} dev lo`;
      inNetns(network.node, () => ip(`addr add ${bridge}${family === 6 ? ' nodad' : ''}`));
      // The kernel makes an IPv6 address usable in its own time, nodad or not; a connection from before stays refused.
      await until(() => talk('node', at.nobody, 80).connected);
      inNetns(network.node, () => ip(`addr del ${bridge}`));
    });

    test('fragments are judged by the ports of the whole', async () => {
      inNetns(network.pod('client'), () => {
        ip('link set eth0 mtu 1500');
      });
      try {
        expect(
          await grows('rule', 'allowed', () => datagrams('client', at.server, 53).say(Buffer.alloc(4000))),
        ).toBe(1);
        expect(
          await grows('default-deny', 'denied', () =>
            datagrams('client', at.server, 54).say(Buffer.alloc(4000)),
          ),
        ).toBe(1);
      } finally {
        inNetns(network.pod('client'), () => {
          ip('link set eth0 mtu 9000');
        });
      }
    });

    test.each([
      ['only the IP header is', family === 4 ? 20 : 40],
      ['half of the ports is', family === 4 ? 22 : 42],
      ['the whole header is', family === 4 ? 28 : 48],
    ])('ports are found where %s in the linear part of the buffer', async (_, linear) => {
      const build = (port: number): Uint8Array => {
        const rest = {
          source: at.client,
          destination: at.server,
          protocol: 17,
          payload: udp({ port }, new Uint8Array(6000)),
        };
        return family === 4 ? ipv4(rest) : ipv6(rest);
      };
      const netns = network.pod('client');
      const before = counted('default-deny', 'denied');
      const rule = () => Number(datapath.counters().rules.get(2)?.packets ?? 0n);
      const passed = rule();
      sendRaw({ netns, packet: build(54), linear });
      await until(() => counted('default-deny', 'denied') > before);
      // IPv6 has no UDP without a checksum; conntrack calls that invalid, and it is judged without a flow.
      sendRaw({ netns, packet: build(53), linear });
      await until(() => rule() > passed);
    });

    test('an event for each new connection, one however many packets it takes to be answered', async () => {
      events();
      const passed = (): number => Number(datapath.counters().rules.get(2)?.packets ?? 0n);
      const before = passed();
      const listener = udpSocket(network.pod('server'), undefined, 53);
      const conversation = datagrams('client', at.server, 53);
      for (let count = 1; count <= 5; count++) {
        conversation.say('x');
        await until(() => passed() >= before + count);
      }
      closeSync(listener);
      const seen = events().filter((event) => event.protocol === 17);
      expect(seen).toHaveLength(1);
      expect(seen[0]).toMatchObject({
        family,
        hook: 'forward',
        port: 53,
        allowed: true,
        egress: { reason: 'rule', rule: 7, set: 2 },
        ingress: { reason: 'rule', rule: 2, set: 1 },
      });
    });
  });

  test('events that have waited for each other name each its own flow', async () => {
    events();
    const ports = [81, 82, 83];
    for (const port of ports) {
      for (const family of [4, 6] as const) {
        await grows('default-deny', 'denied', () => datagrams('client', world[family].server, port).say('x'));
      }
    }
    const seen = events().filter(({ protocol }) => protocol === 17);
    const expected = ports.flatMap((port) =>
      ([4, 6] as const).map((family) => ({
        source: hex(addressBytes(world[family].client)),
        destination: hex(addressBytes(world[family].server)),
        port,
      })),
    );
    expect(
      seen.map(({ source, destination, port }) => ({
        source: hex(source),
        destination: hex(destination),
        port,
      })),
    ).toEqual(expected);
  });

  test('a rule id that comes back to be another rule counts from zero', async () => {
    const rule = 50;
    const opening = portToServer(50, { rule, port: 80, from: open });
    const another = portToServer(51, { rule, port: 99, from: open });
    const packets = (): bigint | undefined => datapath.counters().rules.get(rule)?.packets;
    datapath.apply({ ...nothing, add: opening });
    const conversation = talk('open', world[4].server, 80);
    await until(() => conversation.connected);
    expect(packets()).toBeGreaterThan(0n);
    datapath.apply({ ...nothing, sweep: opening });
    datapath.apply({ ...nothing, add: another });
    expect(packets()).toBeUndefined();
    datapath.apply({ ...nothing, sweep: another });
  });

  test.each([
    ['the one it writes to', world[6].server],
    ['another pod of its node', world[6].open],
    ['the node', world[6].node],
    ['somebody outside', world[6].internet],
    ['an allowed block outside', world[6].block],
  ])("a pod can't pass as %s", async (_, source) => {
    const packet = ipv6({ source, destination: world[6].server, protocol: 6, payload: tcp({ port: 443 }) });
    const before = spoofed();
    sendRaw({ netns: network.pod('client'), packet });
    await until(() => spoofed() > before);
    expect(spoofed()).toBe(before + 1);
  });

  test('nor reach the node as somebody else', async () => {
    const packet = ipv6({
      source: linkLocal,
      destination: world[6].node,
      protocol: 17,
      payload: udp({ port: 53 }),
    });
    expect(
      await grows('unprogrammed', 'denied', () => {
        sendRaw({ netns: network.pod('client'), packet });
      }),
    ).toBe(1);
  });

  test('an echo request does not ride on the ping of its victim (GHSA-c66w-hq56-4q97)', async () => {
    const ping = (from: 'client' | 'server', to: 'client' | 'server'): void => {
      const payload = icmp(8, 0, Uint8Array.of(0x12, 0x34, 0, 1));
      const packet = ipv4({ source: world[4][from], destination: world[4][to], protocol: 1, payload });
      sendRaw({ netns: network.pod(from), packet });
    };
    await grows('not-isolated', 'allowed', () => {
      ping('server', 'client');
    });
    const denied = await grows('default-deny', 'denied', () => {
      ping('client', 'server');
    });
    expect(denied).toBe(1);
  });
});
