/** docs/from-kube-router.md, walked with the real kube-router on real nodes, while a pod sends each millisecond. */
import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { imageReference, root } from '../../scripts/deploy/names.ts';
import { ensureParts } from '../cluster/parts/cache.ts';
import { InstalledCluster, podOn, whyNoCluster } from './installed-cluster.ts';

const [allowedPort, forbiddenPort] = [9998, 9999];
/** A peer, and minutes of its own: on request alone. */
const wish = process.env.BULKHEAD_CLUSTER === '1' ? undefined : 'BULKHEAD_CLUSTER=1 asks for it';
const missing = ['/usr/sbin/iptables', '/usr/sbin/ipset'].find((path) => !existsSync(path));
const why = whyNoCluster ?? wish ?? (missing && `no ${missing}`);

/** Both ports in turn, until it is ended. */
const sender = (address: string): string => `
  const socket = require('node:dgram').createSocket('udp4');
  const send = (port) => socket.send('x', port, '${address}', () => setTimeout(send, 1, port));
  send(${allowedPort});
  send(${forbiddenPort});`;

const policy = (port: number) => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: 'server' },
  spec: {
    podSelector: { matchLabels: { app: 'server' } },
    ingress: [
      { from: [{ podSelector: { matchLabels: { app: 'client' } } }], ports: [{ protocol: 'UDP', port }] },
    ],
  },
});

/** What came from pods, before any hook of policies, and what got through all of them. */
const counting = ['seen', 'passed'].flatMap((where) =>
  [allowedPort, forbiddenPort].map((port) => `${where}${port}`),
);
const rules = `
table inet count {
  ${counting.map((name) => `counter ${name} {}`).join('\n  ')}
  chain before { type filter hook prerouting priority raw - 10;
    udp dport ${allowedPort} counter name seen${allowedPort}; udp dport ${forbiddenPort} counter name seen${forbiddenPort};
  }
  chain after { type filter hook postrouting priority 300;
    udp dport ${allowedPort} counter name passed${allowedPort}; udp dport ${forbiddenPort} counter name passed${forbiddenPort};
  }
}`;

/** As docs/from-kube-router.md has it. */
const cleaning = `
for family in iptables ip6tables; do
  $family-save -t filter | grep -vE 'KUBE-(ROUTER|POD-FW|NWPLCY)-' | $family-restore
done
ipset list -n | grep -E '^(inet6:)?KUBE-(SRC|DST)-' | xargs -rn1 ipset destroy`;

describe.skipIf(why !== undefined)(
  `[root] the way from kube-router${why === undefined ? '' : ` (skipped: ${why})`}`,
  () => {
    const installed = new InstalledCluster('k');
    const kubectl = installed.kubectl.bind(installed);
    let routers: readonly ChildProcess[] = [];

    beforeAll(async () => {
      await installed.up();
      const program = (await ensureParts(['kube-router'], console.log))['kube-router'];
      const config = readFileSync(installed.cluster.nodeKubeconfig, 'utf8');
      await eachNode(`cat > /etc/kubernetes/kube-router.kubeconfig <<'END'\n${config}\nEND`);
      routers = installed.cluster.nodes.map((node) =>
        node.exec([
          program,
          '--run-router=false',
          '--run-firewall=true',
          '--run-service-proxy=false',
          '--service-cluster-ip-range=10.96.0.0/16',
          '--kubeconfig=/etc/kubernetes/kube-router.kubeconfig',
          `--hostname-override=${node.name}`,
        ]),
      );
      for (const router of routers) for (const stream of [router.stdout, router.stderr]) stream?.resume();
      await installed.apply(
        policy(allowedPort),
        podOn('n1', 'server', { args: ['pause'] }, { app: 'server' }),
      );
      await kubectl(['wait', 'pod/server', '--for=condition=Ready', '--timeout=60s']);
      const address = await kubectl(['get', 'pod', 'server', '-o', 'jsonpath={.status.podIP}']);
      const container = { image: imageReference, command: ['/usr/bin/node', '-e', sender(address)] };
      await installed.apply(podOn('n1', 'client', container, { app: 'client' }));
      await kubectl(['wait', 'pod/client', '--for=condition=Ready', '--timeout=60s']);
      await onNode(`nft -f - <<'END'\n${rules}\nEND`);
      await isolates();
      await onNode('nft reset counters table inet count');
    });

    afterAll(async () => installed.down());

    const onNode = async (script: string): Promise<string> => installed.onNode('n1', script);

    async function eachNode(script: string): Promise<void> {
      for (const { name } of installed.cluster.nodes) await installed.onNode(name, script);
    }

    async function counters(): Promise<Readonly<Record<string, number>>> {
      const listing = await onNode('nft list counters table inet count');
      const found = [...listing.matchAll(/counter (\w+) \{\s+packets (\d+)/g)];
      return Object.fromEntries(found.map(([, name = '', packets]) => [name, Number(packets)]));
    }

    /** Until a while has passed in which what is forbidden came and did not get through, and what is allowed did. */
    async function isolates(allowed = allowedPort, forbidden = forbiddenPort): Promise<void> {
      for (;;) {
        const before = await counters();
        await sleep(200);
        const after = await counters();
        const grown = (name: string): boolean => (after[name] ?? 0) > (before[name] ?? 0);
        const isDone = grown(`passed${allowed}`) && grown(`seen${forbidden}`) && !grown(`passed${forbidden}`);
        if (isDone) return;
      }
    }

    /** Since kube-router alone enforced. A packet may be between the two hooks when they are read. */
    async function expectNoGap(): Promise<void> {
      const { [`passed${forbiddenPort}`]: leaked, ...rest } = await counters();
      expect(leaked).toBe(0);
      const lost = (rest[`seen${allowedPort}`] ?? 0) - (rest[`passed${allowedPort}`] ?? 0);
      expect(lost).toBeLessThanOrEqual(1);
    }

    const doctor = async (): Promise<string> => installed.inAgent('n1', ['bulkhead', 'doctor']);

    test('Bulkhead begins beside it, open at first, and no packet meets a gap', async () => {
      const manifest = readFileSync(join(root, 'deploy/bulkhead.yaml'), 'utf8')
        .replaceAll('20244', '20245')
        .replace('--startup=strict', '--startup=open');
      await kubectl(['apply', '-f', '-'], manifest);
      await installed.rolledOut();
      await isolates();
      await expectNoGap();
    });

    test('the doctor sees it', async () => {
      expect(await doctor()).toMatch(/other engines\s+warning\s+kube-router/);
    });

    test('kube-router goes, with its chains, and no packet meets a gap', async () => {
      for (const router of routers) {
        const ended = new Promise((resolve) => void router.once('close', resolve));
        router.kill('SIGTERM');
        await ended;
      }
      await eachNode(cleaning);
      expect(await onNode('iptables-save')).not.toMatch(/KUBE-(?:ROUTER|POD-FW|NWPLCY)-/);
      await isolates();
      await expectNoGap();
    });

    test('Bulkhead takes its usual port and strict start, and no packet meets a gap', async () => {
      await kubectl(['apply', '-f', join(root, 'deploy/bulkhead.yaml')]);
      await installed.rolledOut();
      await isolates();
      await expectNoGap();
      expect(await doctor()).toMatch(/other engines\s+ok/);
    });

    test('policies change without it', async () => {
      await installed.apply(policy(forbiddenPort));
      await isolates(forbiddenPort, allowedPort);
      expect((await counters())[`passed${forbiddenPort}`]).toBeGreaterThan(0);
    });
  },
);
