/** What a pod’s very first packets meet on real nodes: with the gate, and without it. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { imageReference, root } from '../../scripts/deploy/names.ts';
import { InstalledCluster, podOn, whyNoLongRun as why } from './installed-cluster.ts';

const port = 9999;
const configurationFile = '/etc/cni/net.d/10-pods.conflist';

/** Sends as soon as it can, each millisecond for two seconds, and prints how often. */
const sender = (address: string): string => `
  const socket = require('node:dgram').createSocket('udp4');
  let sent = 0;
  const until = performance.now() + 2000;
  const send = () => {
    if (performance.now() > until) return socket.close(() => console.log(sent));
    socket.send('x', ${port}, '${address}', () => { sent += 1; setTimeout(send, 1); });
  };
  send();`;

const policy = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: 'silence' },
  spec: { podSelector: { matchLabels: { may: 'nothing' } }, policyTypes: ['Egress'] },
};

describe.skipIf(why !== undefined)(
  `[root] the first packets of a pod${why === undefined ? '' : ` (skipped: ${why})`}`,
  () => {
    const installed = new InstalledCluster('g');
    const kubectl = installed.kubectl.bind(installed);
    let server = '';

    beforeAll(async () => {
      await installed.up();
      await onNode(`nft -f - <<'END'
        table inet count {
          counter passed {}
          chain packets { type filter hook postrouting priority 300; udp dport ${port} counter name passed; }
        }
END`);
      await kubectl(['apply', '-f', join(root, 'deploy/bulkhead.yaml')]);
      await installed.rolledOut();
      await installed.apply(policy, podOn('n1', 'server', { args: ['pause'] }));
      await kubectl(['wait', 'pod/server', '--for=condition=Ready', '--timeout=60s']);
      server = await kubectl(['get', 'pod', 'server', '-o', 'jsonpath={.status.podIP}']);
    });

    afterAll(async () => installed.down());

    const onNode = async (script: string): Promise<string> => installed.onNode('n1', script);

    /** How many packets a new pod sends from its first instruction on, and how many of them get through. */
    async function firstPackets(name: string, may: string): Promise<{ sent: number; passed: number }> {
      await onNode('nft reset counter inet count passed');
      const container = { image: imageReference, command: ['/usr/bin/node', '-e', sender(server)] };
      await installed.apply(podOn('n1', name, container, { may }));
      await kubectl(['wait', `pod/${name}`, '--for=jsonpath={.status.phase}=Succeeded', '--timeout=60s']);
      const sent = Number(await kubectl(['logs', name]));
      const counter = await onNode('nft list counter inet count passed');
      return { sent, passed: Number(/packets (\d+)/.exec(counter)?.[1]) };
    }

    async function reconfigure(...paths: readonly string[]): Promise<void> {
      await kubectl(['apply', ...paths]);
      await installed.rolledOut();
    }

    const configuration = async (): Promise<string> => onNode(`cat ${configurationFile}`);

    const readConfiguration = async () =>
      JSON.parse(await configuration()) as { readonly plugins: readonly { readonly type: string }[] };

    async function writeConfiguration(content: unknown): Promise<void> {
      await onNode(`echo '${JSON.stringify(content)}' > ${configurationFile}`);
    }

    test('with the gate: none that is forbidden passes, and every one that is allowed does', async () => {
      const before = await configuration();
      await reconfigure('-k', join(root, 'test/deploy/fixtures/with-gate'));
      expect(await configuration()).toContain('bulkhead-gate');
      const forbidden = await firstPackets('gated-forbidden', 'nothing');
      expect(forbidden.passed).toBe(0);
      expect(forbidden.sent).toBeGreaterThan(100);
      const allowed = await firstPackets('gated-allowed', 'everything');
      expect(allowed.passed).toBe(allowed.sent);
      expect(before).not.toContain('bulkhead-gate');
    });

    test('a CNI that writes its configuration anew loses the gate only until the agent looks', async () => {
      const list = await readConfiguration();
      await writeConfiguration({
        ...list,
        plugins: list.plugins.filter(({ type }) => type !== 'bulkhead-gate'),
      });
      while (!(await configuration()).includes('bulkhead-gate')) await sleep(100);
      expect(await readConfiguration()).toMatchObject({
        plugins: [{ type: 'ptp' }, { type: 'bulkhead-gate' }],
      });
    });
  },
);
