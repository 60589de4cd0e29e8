import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDnsServer, type DnsServer } from '../../src/lab/dns.ts';
import { destroyLab } from '../../src/lab/network/destroy.ts';
import { netnsPath, podNetns } from '../../src/lab/network/names.ts';
import { probeAll } from '../../src/lab/network/prober.ts';
import { reconcileNetwork } from '../../src/lab/network/reconcile.ts';
import type { Cluster } from '../../src/objects/model.ts';
import { address, cluster, endpoints, node, pod, service } from './network/small-cluster.ts';

const lab = `dns-${process.pid}`;
const dns = pod('kube-system/coredns', 'n2', '10.244.1.9', 'fd00:244:1::9');
const client = pod('shop/client', 'n1', '10.244.0.2', 'fd00:244::2');
const kubeDns = service(
  'kube-system/kube-dns',
  ['10.96.0.10', 'fd00:96::a'],
  [
    { name: 'dns', protocol: 'UDP', port: 53, targetPort: 53 },
    { name: 'dns-tcp', protocol: 'TCP', port: 53, targetPort: 53 },
  ],
);

/** With so many addresses behind a headless Service that an answer by UDP is cut. */
function shop(webIP: string): Cluster {
  const web = service('shop/web', [webIP], [{ protocol: 'TCP', port: 80, targetPort: 8080 }]);
  const big = service('shop/big', [], [{ protocol: 'TCP', port: 80, targetPort: 80 }], { headless: true });
  const backends = Array.from({ length: 200 }, (_, index) => ({
    address: address(`10.250.0.${index}`),
    port: 80,
  }));
  return cluster({
    nodes: [node('n1', '172.18.0.2'), node('n2', '172.18.0.3')],
    pods: [dns, client],
    services: [kubeDns, web, big],
    endpoints: [
      ...endpoints(kubeDns, [dns]),
      ...endpoints(web, [client]),
      ...big.ports.map((port) => ({ service: big.key, port, backends })),
    ],
    families: [4, 6],
  });
}

describe.skipIf(process.getuid?.() !== 0)('[root] DNS in a lab', () => {
  let current = shop('10.96.0.20');
  let server: DnsServer | undefined;

  beforeAll(async () => {
    await reconcileNetwork({ lab, cluster: current, external: [] });
    server = startDnsServer({
      netns: netnsPath(podNetns(lab, dns)),
      addresses: dns.addresses,
      cluster: () => current,
      identify: (protocol) => `kube-system/coredns ${protocol} 53\n`,
    });
  });

  afterAll(async () => {
    server?.close();
    await destroyLab(lab);
  });

  /** Runs a command in the client pod as `ip netns exec` does; the server must be able to answer meanwhile. */
  async function run(...command: string[]): Promise<string> {
    const child = spawn('ip', ['netns', 'exec', podNetns(lab, client), ...command], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    const [code] = (await once(child, 'close')) as [number];
    return `${code} ${output
      .trim()
      .split('\n')
      .map((line) => line.split(/\s+/)[0])
      .join(' ')}`.trim();
  }

  test('the C library of a pod finds Services by every form of their name', async () => {
    for (const name of [
      'web',
      'web.shop',
      'web.shop.svc',
      'WEB.shop.svc.cluster.local',
      'web.shop.svc.cluster.local.',
    ]) {
      expect([name, await run('getent', 'ahostsv4', name)]).toEqual([
        name,
        '0 10.96.0.20 10.96.0.20 10.96.0.20',
      ]);
    }
    expect(await run('getent', 'hosts', 'kube-dns.kube-system')).toBe('0 fd00:96::a');
  });

  test('names that are not there are not there', async () => {
    expect(await run('getent', 'hosts', 'nosuch')).toBe('2');
    expect(await run('getent', 'hosts', 'example.com')).toBe('2');
  });

  test('a long answer comes by TCP after the datagram was cut', async () => {
    const output = await run('getent', 'ahostsv4', 'big');
    expect(new Set(output.split(' ').slice(1)).size).toBe(200);
  });

  test('a change of the cluster is seen at once', async () => {
    current = shop('10.96.0.99');
    expect(await run('getent', 'hosts', 'web')).toBe('0 10.96.0.99');
  });

  test('probes learn whom they reached, by the Service and by both families', async () => {
    const results = await probeAll(
      ['10.96.0.10', 'fd00:96::a'].flatMap((to) =>
        (['UDP', 'TCP'] as const).map((protocol) => ({
          netnsPath: netnsPath(podNetns(lab, client)),
          destination: address(to),
          protocol,
          port: 53,
        })),
      ),
      { timeoutMs: 5000 },
    );
    const answers = ['UDP', 'TCP', 'UDP', 'TCP'].map((protocol) => `kube-system/coredns ${protocol} 53`);
    expect(results).toEqual(answers.map((line) => ({ outcome: 'open', answer: line })));
  });
});
