import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tcpConnect, tcpListener } from '../../../src/kernel/socket.ts';
import { destroyLab, listLabs } from '../../../src/lab/network/destroy.ts';
import { interfaceName, netnsPath, nodeNetns, podNetns, worldNetns } from '../../../src/lab/network/names.ts';
import { probeAll, type Probe, type ProbeResult } from '../../../src/lab/network/prober.ts';
import { reconcileNetwork } from '../../../src/lab/network/reconcile.ts';
import type { Address } from '../../../src/objects/ip.ts';
import type { Cluster, Pod, Service } from '../../../src/objects/model.ts';
import { announce } from './announce.ts';
import { address, cluster, endpoints, node, pod, service } from './small-cluster.ts';

const lab = `net-${process.pid}`;

const n1 = node('n1', '172.18.0.2', 'fd00:18::2');
const n2 = node('n2', '172.18.0.3', 'fd00:18::3');
const a = pod('shop/a', 'n1', '10.244.0.2', 'fd00:244::2');
const b = pod('shop/b', 'n2', '10.244.1.2', 'fd00:244:1::2');
// Outside of every podCIDR, and of one family each.
const old = pod('shop/old', 'n2', '192.168.77.7');
const modern = pod('shop/modern', 'n1', '2001:db8:7::7');
const agent: Pod = { ...pod('shop/agent', 'n2', '172.18.0.3', 'fd00:18::3'), hostNetwork: true };

const web = service(
  'shop/web',
  ['10.96.0.20', 'fd00:96::20'],
  [
    { name: 'http', protocol: 'TCP', port: 80, targetPort: 8080, nodePort: 30080 },
    { name: 'say', protocol: 'UDP', port: 81, targetPort: 8080, nodePort: 30081 },
  ],
  { type: 'NodePort' },
);
const self = service(
  'shop/self',
  ['10.96.0.21', 'fd00:96::21'],
  [{ protocol: 'TCP', port: 80, targetPort: 8080 }],
);
const idle = service(
  'shop/idle',
  ['10.96.0.22'],
  [{ protocol: 'TCP', port: 80, targetPort: 80, nodePort: 30090 }],
  {
    type: 'NodePort',
  },
);
const host = service('shop/host', ['10.96.0.23'], [{ protocol: 'TCP', port: 80, targetPort: 9090 }]);

const pods = [a, b, old, modern, agent];
const shop = cluster({
  nodes: [n1, n2],
  pods,
  services: [web, self, idle, host],
  endpoints: [
    ...endpoints(web, [b]),
    ...endpoints(self, [a]),
    ...endpoints(idle, []),
    ...endpoints(host, [agent]),
  ],
  families: [4, 6],
});
const external = ['8.8.8.8', '2001:4860::8', '169.254.169.254', '169.254.1.1'].map(address);

/** What must not change on the host, whatever labs do. Settings of all families and links; links, routes, rules. */
function hostNetwork(): unknown {
  const output = (command: string, ...args: string[]): string =>
    spawnSync(command, args, { encoding: 'utf8' }).stdout;
  const settings = (directory: string): string[] =>
    readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .flatMap((entry) => {
        const path = `${entry.parentPath}/${entry.name}`;
        try {
          return `${path} ${readFileSync(path, 'utf8')}`;
        } catch {
          return [];
        }
      });
  return {
    links: output('ip', '-d', '-j', 'link'),
    addresses: output('ip', '-j', 'addr'),
    routes: [output('ip', '-j', 'route'), output('ip', '-j', '-6', 'route'), output('ip', '-j', 'rule')],
    neighbours: output('ip', '-j', 'neigh', 'show', 'nud', 'permanent'),
    rules: output('nft', 'list', 'ruleset'),
    settings: ['ipv4/conf', 'ipv6/conf', 'ipv4/neigh'].flatMap((name) => settings(`/proc/sys/net/${name}`)),
    forwarding: readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8'),
  };
}

describe.skipIf(process.getuid?.() !== 0)('[root] network of a lab', () => {
  const before = process.getuid?.() === 0 ? hostNetwork() : undefined;
  const stops: (() => void)[] = [];

  beforeAll(async () => {
    await reconcileNetwork({ lab, cluster: shop, external });
    for (const on of [a, b, old, modern]) {
      stops.push(announce({ netns: podNetns(lab, on), name: on.name, port: 8080 }));
    }
    stops.push(announce({ netns: nodeNetns(lab, 'n2'), name: 'agent', port: 9090 }));
    stops.push(announce({ netns: worldNetns(lab), name: 'world', port: 443 }));
  });

  afterAll(async () => {
    for (const stop of stops) stop();
    await destroyLab(lab);
  });

  async function probe(
    netns: string,
    to: string,
    rest: Partial<Probe> = {},
  ): Promise<ProbeResult | undefined> {
    const one: Probe = {
      netnsPath: netnsPath(netns),
      destination: address(to),
      protocol: 'TCP',
      port: 8080,
      ...rest,
    };
    return (await probeAll([one], { timeoutMs: 5000 }))[0];
  }

  const inA = podNetns(lab, a);
  const says = (answer: string): ProbeResult => ({ outcome: 'open', answer });

  test.each([
    ['10.244.1.2', 'b sees 10.244.0.2'],
    ['fd00:244:1::2', 'b sees fd00:244::2'],
    ['192.168.77.7', 'old sees 10.244.0.2'],
    ['2001:db8:7::7', 'modern sees fd00:244::2'],
    ['10.244.0.2', 'a sees 10.244.0.2'],
  ])('a pod reaches %s by its address, unmasqueraded', async (to, answer) => {
    expect(await probe(inA, to)).toEqual(says(answer));
    expect(await probe(inA, to, { protocol: 'UDP' })).toEqual(says(answer));
  });

  test('a pod reaches the world and the world reaches pods, each by its addresses', async () => {
    for (const source of external) {
      const [inB, seen] =
        source.family === 4 ? ['10.244.1.2', '10.244.0.2'] : ['fd00:244:1::2', 'fd00:244::2'];
      expect(await probe(inA, source.text, { port: 443 })).toEqual(says(`world sees ${seen}`));
      expect(await probe(worldNetns(lab), inB, { source })).toEqual(says(`b sees ${source.text}`));
    }
    expect(await probe(inA, '2001:4860::8', { port: 443 })).toEqual(says('world sees fd00:244::2'));
    const [v4, v6] = external;
    expect(v4 && v6).toBeDefined();
    if (!v4 || !v6) return;
    expect(await probe(worldNetns(lab), '10.244.1.2', { source: v4 })).toEqual(says('b sees 8.8.8.8'));
    expect(await probe(worldNetns(lab), 'fd00:244:1::2', { source: v6 })).toEqual(
      says('b sees 2001:4860::8'),
    );
  });

  test('a node reaches its own and other pods from its address, and is reached', async () => {
    expect(await probe(nodeNetns(lab, 'n1'), '10.244.0.2')).toEqual(says('a sees 172.18.0.2'));
    expect(await probe(nodeNetns(lab, 'n1'), 'fd00:244::2')).toEqual(says('a sees fd00:18::2'));
    expect(await probe(nodeNetns(lab, 'n1'), '10.244.1.2')).toEqual(says('b sees 172.18.0.2'));
    expect(await probe(inA, '172.18.0.3', { port: 9090 })).toEqual(says('agent sees 10.244.0.2'));
  });

  test('ClusterIPs lead to a backend, from pods and from nodes', async () => {
    expect(await probe(inA, '10.96.0.20', { port: 80 })).toEqual(says('b sees 10.244.0.2'));
    expect(await probe(inA, 'fd00:96::20', { port: 80 })).toEqual(says('b sees fd00:244::2'));
    expect(await probe(inA, '10.96.0.20', { port: 81, protocol: 'UDP' })).toEqual(says('b sees 10.244.0.2'));
    expect(await probe(nodeNetns(lab, 'n1'), '10.96.0.20', { port: 80 })).toEqual(says('b sees 172.18.0.2'));
    expect(await probe(inA, '10.96.0.23', { port: 80 })).toEqual(says('agent sees 10.244.0.2'));
  });

  test('a pod reaches itself through its Service, masqueraded as its node', async () => {
    expect(await probe(inA, '10.96.0.21', { port: 80 })).toEqual(says('a sees 172.18.0.2'));
    expect(await probe(inA, 'fd00:96::21', { port: 80 })).toEqual(says('a sees fd00:18::2'));
  });

  test('NodePorts of every node lead to a backend, masqueraded as the node that was asked', async () => {
    const world = worldNetns(lab);
    expect(await probe(world, '172.18.0.2', { port: 30080 })).toEqual(says('b sees 172.18.0.2'));
    expect(await probe(world, '172.18.0.3', { port: 30080 })).toEqual(says('b sees 172.18.0.3'));
    expect(await probe(world, 'fd00:18::2', { port: 30080 })).toEqual(says('b sees fd00:18::2'));
    expect(await probe(world, '172.18.0.2', { port: 30081, protocol: 'UDP' })).toEqual(
      says('b sees 172.18.0.2'),
    );
    expect(await probe(inA, '172.18.0.3', { port: 30080 })).toEqual(says('b sees 172.18.0.3'));
    expect(await probe(nodeNetns(lab, 'n2'), '172.18.0.3', { port: 30080 })).toEqual(
      says('b sees 172.18.0.3'),
    );
  });

  test('what nobody serves is refused', async () => {
    const refused = { outcome: 'refused' };
    expect(await probe(inA, '10.96.0.22', { port: 80 })).toEqual(refused);
    expect(await probe(nodeNetns(lab, 'n1'), '10.96.0.22', { port: 80 })).toEqual(refused);
    expect(await probe(inA, '10.96.0.20', { port: 8080 })).toEqual(refused);
    expect(await probe(inA, '10.96.0.20', { port: 8080, protocol: 'UDP' })).toEqual(refused);
    expect(await probe(inA, '172.18.0.2', { port: 30090 })).toEqual(refused);
    expect(await probe(inA, '10.244.1.2', { port: 1 })).toEqual(refused);
    expect(await probe(inA, '10.244.1.2', { port: 1, protocol: 'UDP' })).toEqual(refused);
    expect(await probe(inA, 'fd00:244:1::2', { port: 1, protocol: 'UDP' })).toEqual(refused);
  });

  test('addresses that nobody has are unreachable', async () => {
    expect(await probe(inA, '10.244.0.99')).toEqual({ outcome: 'unreachable' });
    expect(await probe(inA, '1.2.3.4', { protocol: 'UDP' })).toEqual({ outcome: 'unreachable' });
    expect(await probe(inA, '2001:db8::dead')).toEqual({ outcome: 'unreachable' });
    expect(await probe(podNetns(lab, old), '10.244.0.99')).toEqual({ outcome: 'unreachable' });
  });

  test('neighbours are resolved when somebody forgets them', async () => {
    const links = [
      [inA, 'eth0'],
      [nodeNetns(lab, 'n1'), interfaceName(inA)],
    ] as const;
    for (const [netns, device] of links) {
      const flush = spawnSync('ip', ['-n', netns, 'neigh', 'flush', 'dev', device, 'nud', 'permanent']);
      expect(flush.status).toBe(0);
      expect(
        spawnSync('ip', ['-n', netns, 'neigh', 'show', 'dev', device], { encoding: 'utf8' }).stdout,
      ).toBe('');
    }
    expect(await probe(nodeNetns(lab, 'n1'), '10.244.0.2')).toEqual(says('a sees 172.18.0.2'));
    expect(await probe(nodeNetns(lab, 'n1'), 'fd00:244::2')).toEqual(says('a sees fd00:18::2'));
    expect(await probe(inA, '10.244.1.2')).toEqual(says('b sees 10.244.0.2'));
    expect(await probe(inA, 'fd00:244:1::2')).toEqual(says('b sees fd00:244::2'));
  });

  test('hundreds of probes at once each get their own result, in order', async () => {
    const probes = Array.from({ length: 600 }, (_, index): Probe => {
      const [to, port] = (
        [
          ['10.244.1.2', 8080],
          ['10.244.1.2', 1],
          ['10.244.0.2', 8080],
        ] as const
      )[index % 3] ?? ['', 0];
      return {
        netnsPath: netnsPath(index % 2 ? inA : podNetns(lab, b)),
        destination: address(to),
        protocol: index % 5 ? 'TCP' : 'UDP',
        port,
      };
    });
    const results = await probeAll(probes, { timeoutMs: 5000 });
    const expected = probes.map(({ destination, port, netnsPath: from }) => {
      if (port === 1) return { outcome: 'refused' };
      const seen = from === netnsPath(inA) ? '10.244.0.2' : '10.244.1.2';
      return says(`${destination.text === '10.244.0.2' ? 'a' : 'b'} sees ${seen}`);
    });
    expect(results).toEqual(expected);
  });

  test('SCTP is reported as what the kernel makes of it', async () => {
    const result = await probe(inA, '10.244.1.2', { protocol: 'SCTP' });
    expect(['unsupported', 'refused', 'timeout', 'unreachable']).toContain(result?.outcome);
  });

  test('connections through a Service live on while other Services come and go', async () => {
    const server = createServer((client) => client.on('error', () => undefined).pipe(client));
    server.listen({ fd: tcpListener(netnsPath(podNetns(lab, b)), undefined, 8081) });
    const live = service('shop/live', ['10.96.0.24'], [{ protocol: 'TCP', port: 80, targetPort: 8081 }]);
    const withLive = (extra: readonly Service[]): Cluster => ({
      ...shop,
      services: new Map([...shop.services.values(), live, ...extra].map((one) => [one.key, one])),
      endpoints: [...shop.endpoints, ...[live, ...extra].flatMap((one) => endpoints(one, [b]))],
    });
    await reconcileNetwork({ lab, cluster: withLive([]), external });
    const fd = tcpConnect(netnsPath(inA), { address: address('10.96.0.24'), port: 80 });
    const client = new Socket({ fd });
    const echo = async (text: string): Promise<string> => {
      const answered = once(client, 'data') as Promise<[Buffer]>;
      client.write(text);
      return (await answered)[0].toString();
    };
    expect(await echo('before')).toBe('before');
    const another = service(
      'shop/another',
      ['10.96.0.25'],
      [{ protocol: 'TCP', port: 80, targetPort: 8080 }],
    );
    await reconcileNetwork({ lab, cluster: withLive([another]), external });
    expect(await probe(inA, '10.96.0.25', { port: 80 })).toEqual(says('b sees 10.244.0.2'));
    expect(await echo('after')).toBe('after');
    client.destroy();
    server.close();
    const change = await reconcileNetwork({ lab, cluster: shop, external });
    expect(change).toEqual({ created: [], removed: [] });
    expect(await probe(inA, '10.96.0.25', { port: 80 })).toEqual({ outcome: 'unreachable' });
  });

  test('a cluster of IPv6 alone works, and one of IPv4 alone', async () => {
    const single = `${lab}-single`;
    try {
      for (const [families, pick] of [
        [[6], 1],
        [[4], 0],
      ] as const) {
        const only = <T extends { addresses: readonly Address[] }>(one: T): T => ({
          ...one,
          addresses: one.addresses.slice(pick, pick + 1),
        });
        const [here, there] = [only(a), only(b)];
        await reconcileNetwork({
          lab: single,
          cluster: cluster({ nodes: [only(n1), only(n2)], pods: [here, there], families }),
          external,
        });
        const stop = announce({ netns: podNetns(single, b), name: 'b', port: 8080 });
        const answer = says(`b sees ${here.addresses[0]?.text}`);
        expect(await probe(podNetns(single, a), there.addresses[0]?.text ?? '')).toEqual(answer);
        stop();
      }
    } finally {
      await destroyLab(single);
    }
  });

  test('names may be as long as Kubernetes allows', async () => {
    const named = `${lab}-named`;
    const label = (letter: string): string => letter.repeat(63);
    const name = (letter: string): string => `${label(letter)}.${label(letter)}.${label(letter)}.`;
    const longest = node(`${name('o')}${'o'.repeat(61)}`, '172.18.0.2');
    const server = pod(`${label('n')}/${name('p')}${'p'.repeat(61)}`, longest.name, '10.244.0.2');
    const port = { protocol: 'SCTP', port: 65_535, targetPort: 65_535, nodePort: 32_767 } as const;
    const of = service(`${label('n')}/${label('s')}`, ['10.96.0.20'], [port], { type: 'NodePort' });
    try {
      const request = {
        nodes: [longest],
        pods: [server],
        services: [of],
        endpoints: endpoints(of, [server]),
      };
      const { created } = await reconcileNetwork({ lab: named, cluster: cluster(request), external: [] });
      expect(created).toHaveLength(3);
    } finally {
      await destroyLab(named);
    }
  });

  test('the lab is listed and the host is untouched', () => {
    expect(listLabs()).toContain(lab);
    expect(hostNetwork()).toEqual(before);
  });
});
