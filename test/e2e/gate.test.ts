/** What a pod’s very first packets meet on real nodes: with the gate, and without it. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { imageReference, root } from '../../scripts/deploy/names.ts';
import { InstalledCluster, podOn, whyNoLongRun as why } from './installed-cluster.ts';
import { startServer } from './server-for-senders.ts';

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
      server = await startServer(installed);
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

    async function removeAgents(): Promise<void> {
      await kubectl(['-n', 'bulkhead-system', 'delete', 'daemonset', 'bulkhead', '--cascade=foreground']);
    }

    /** To the agent of the first node; the brackets keep the pattern from being what it looks for. */
    async function signalAgent(signal: 'STOP' | 'CONT'): Promise<void> {
      const isAgent = `tr '\\0' ' ' < "$process/cmdline" | grep -q 'bulkhead[ ]agent '`;
      const send = `kill -${signal} "\${process#/proc/}"`;
      await onNode(`for process in /proc/[0-9]*; do if ${isAgent}; then ${send}; fi; done`);
    }

    const about = (pod: string): readonly string[] => [`--field-selector=involvedObject.name=${pod}`];

    const phaseOf = async (pod: string): Promise<string> => statusOf(pod, 'phase');

    const statusOf = async (pod: string, field: string): Promise<string> =>
      kubectl(['get', 'pod', pod, '--ignore-not-found', '-o', `jsonpath={.status.${field}}`]);

    const configuration = async (): Promise<string> => onNode(`cat ${configurationFile}`);

    const readConfiguration = async () =>
      JSON.parse(await configuration()) as { readonly plugins: readonly { readonly type: string }[] };

    async function writeConfiguration(content: unknown): Promise<void> {
      await onNode(`echo '${JSON.stringify(content)}' > ${configurationFile}`);
    }

    test('without the gate nobody waits for the agent: what is forbidden does not pass, nor what is allowed', async () => {
      for (const may of ['nothing', 'everything']) {
        await signalAgent('STOP');
        const { sent, passed } = await firstPackets(`not-gated-${may}`, may);
        await signalAgent('CONT');
        expect(passed).toBe(0);
        expect(sent).toBeGreaterThan(100);
      }
    });

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

    test('with the gate pods wait for the agent, however slow it is', async () => {
      await signalAgent('STOP');
      const waiting = firstPackets('gated-waits', 'everything');
      // From then on the kubelet is at it.
      while ((await statusOf('gated-waits', 'startTime')) === '') await sleep(100);
      await sleep(2000);
      expect(await phaseOf('gated-waits')).toBe('Pending');
      await signalAgent('CONT');
      const { sent, passed } = await waiting;
      expect(passed).toBe(sent);
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

    test('without an agent no pod starts, and says why; what is deleted goes', async () => {
      const { plugins, ...list } = await readConfiguration();
      const impatient = plugins.map((one) =>
        one.type === 'bulkhead-gate' ? { ...one, timeoutMs: 1000 } : one,
      );
      await writeConfiguration({ ...list, plugins: impatient });
      await removeAgents();
      await installed.apply(podOn('n1', 'waits', { args: ['pause'] }));
      const events = ['get', 'events', ...about('waits'), '-o', 'jsonpath={.items[*].message}'];
      while (!(await kubectl(events)).includes('no agent of Bulkhead answers')) await sleep(200);
      await kubectl(['delete', 'pod', 'server', '--timeout=60s']);
      expect(await phaseOf('waits')).toBe('Pending');
    });

    test('starts what waited once there is an agent', async () => {
      await reconfigure('-k', join(root, 'test/deploy/fixtures/with-gate'));
      await kubectl(['wait', 'pod/waits', '--for=condition=Ready', '--timeout=90s']);
      expect(await phaseOf('waits')).toBe('Running');
    });

    test('uninstalled, the configuration is what it was, and pods start by themselves', async () => {
      await removeAgents();
      await kubectl(['apply', '-f', join(root, 'deploy/uninstall.yaml')]);
      const done = ['rollout', 'status', 'daemonset/bulkhead-uninstall', '--timeout=60s'];
      await kubectl(['-n', 'bulkhead-uninstall', ...done]);
      expect(await configuration()).not.toContain('bulkhead-gate');
      expect(await onNode('ls -A /opt/cni/bin')).not.toContain('bulkhead');
      await installed.apply(podOn('n1', 'free', { args: ['pause'] }));
      await kubectl(['wait', 'pod/free', '--for=condition=Ready', '--timeout=60s']);
    });
  },
);
