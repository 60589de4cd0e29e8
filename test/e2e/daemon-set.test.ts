/** Installed from deploy/ in a cluster of real nodes: it runs with the rights it is given, enforces, is upgraded, and taken out. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { root } from '../../scripts/deploy/names.ts';
import { InstalledCluster, podOn, whyNoCluster as why } from './installed-cluster.ts';

const agents = ['-n', 'bulkhead-system'];

describe.skipIf(why !== undefined)(
  `[root] the DaemonSet${why === undefined ? '' : ` (skipped: ${why})`}`,
  () => {
    const installed = new InstalledCluster('d');
    const kubectl = installed.kubectl.bind(installed);
    const apply = installed.apply.bind(installed);
    const rolledOut = installed.rolledOut.bind(installed);

    beforeAll(async () => {
      await installed.up();
      await kubectl(['apply', '-f', join(root, 'deploy/bulkhead.yaml')]);
      await rolledOut();
      await apply(podOn('n1', 'server', { args: ['netexec'] }), podOn('n2', 'client', { args: ['pause'] }));
      await kubectl(['wait', 'pod', '--all', '--for=condition=Ready', '--timeout=60s']);
    });

    afterAll(async () => installed.down());

    /** Whether the client reaches the server; the programs of the two nodes decide. */
    async function reaches(): Promise<boolean> {
      const address = await kubectl(['get', 'pod', 'server', '-o', 'jsonpath={.status.podIP}']);
      const connect = ['/agnhost', 'connect', `${address}:8080`, '--timeout=500ms'];
      return kubectl(['exec', 'client', '--', ...connect]).then(
        () => true,
        (error: Error) => {
          if (!error.message.includes('TIMEOUT')) throw error;
          return false;
        },
      );
    }

    async function becomes(expected: boolean): Promise<void> {
      while ((await reaches()) !== expected) await sleep(50);
    }

    test('runs with three capabilities, no new privileges, seccomp and a root that can’t be written', async () => {
      const script = `const { readFileSync, writeFileSync } = require('node:fs');
      let written = 'EROFS';
      try { writeFileSync('/file', ''); written = 'written'; } catch ({ code }) { written = code; }
      console.log(readFileSync('/proc/1/status', 'utf8') + written);`;
      const output = await kubectl([
        ...agents,
        'exec',
        'daemonset/bulkhead',
        '--',
        '/usr/bin/node',
        '-e',
        script,
      ]);
      const bits = (1n << 12n) | (1n << 38n) | (1n << 39n);
      for (const set of ['Prm', 'Eff', 'Bnd']) {
        expect(output).toContain(`Cap${set}:\t${bits.toString(16).padStart(16, '0')}`);
      }
      expect(output).toContain('NoNewPrivs:\t1');
      expect(output).toContain('Seccomp:\t2');
      expect(output.trim().endsWith('EROFS')).toBe(true);
    });

    test('enforces by eBPF, and says so in the columns of its status', async () => {
      expect(await reaches()).toBe(true);
      await apply(isolation);
      await becomes(false);
      const [header = '', ...rows] = (await kubectl(['get', 'nps'])).trim().split('\n');
      expect(header.split(/\s+/)).toEqual([
        'NAME',
        'ENGINE',
        'REALISED',
        'POLICIES',
        'REFUSED',
        'PODS',
        'HEARTBEAT',
        'VERSION',
      ]);
      expect(rows.map((row) => row.split(/\s+/).slice(0, 2))).toEqual([
        ['n1', 'ebpf'],
        ['n2', 'ebpf'],
      ]);
    });

    test('has a doctor who finds nothing', async () => {
      const doctor = ['exec', 'daemonset/bulkhead', '--', 'bulkhead', 'doctor', '-o', 'json'];
      const { findings } = JSON.parse(await kubectl([...agents, ...doctor])) as {
        findings: { check: string; state: string; result: string }[];
      };
      expect(findings.filter(({ state }) => state !== 'ok')).toEqual([]);
      expect(findings.map(({ check }) => check)).toEqual(
        expect.arrayContaining(['engine', 'pod interfaces', 'pod ranges', 'rights', 'agent']),
      );
    });

    test('is replaced node by node, and isolates all the while', async () => {
      await kubectl([...agents, 'rollout', 'restart', 'daemonset/bulkhead']);
      const over = new AbortController();
      const rollout = rolledOut().finally(() => over.abort());
      while (!over.signal.aborted) expect(await reaches()).toBe(false);
      await rollout;
    });

    test('with a capability less says which it lacks, and the kernel goes on enforcing', async () => {
      const { spec } = JSON.parse(
        await kubectl([...agents, 'get', 'daemonset', 'bulkhead', '-o', 'json']),
      ) as {
        spec: {
          template: { spec: { containers: [{ securityContext: { capabilities: { add: string[] } } }] } };
        };
      };
      const { add } = spec.template.spec.containers[0].securityContext.capabilities;
      const path = '/spec/template/spec/containers/0/securityContext/capabilities/add';
      const setCapabilities = async (value: readonly string[]): Promise<string> => {
        const patch = JSON.stringify([{ op: 'replace', path, value }]);
        return kubectl([...agents, 'patch', 'daemonset', 'bulkhead', '--type=json', '-p', patch]);
      };
      await setCapabilities(add.filter((one) => one !== 'PERFMON'));
      const terminations = [
        'get',
        'pods',
        '-o',
        'jsonpath={.items[*].status.containerStatuses[*].lastState}',
      ];
      for (;;) {
        const said = await kubectl([...agents, ...terminations]);
        if (said.includes('AGENT_CAPABILITY_MISSING') && said.includes('lacks CAP_PERFMON')) break;
        await sleep(200);
      }
      expect(await reaches()).toBe(false);
      await setCapabilities(add);
      await rolledOut();
    });

    test('is taken out in the documented order: enforced until deploy/uninstall.yaml has run', async () => {
      await kubectl([...agents, 'delete', 'daemonset', 'bulkhead', '--cascade=foreground']);
      expect(await reaches()).toBe(false);
      await kubectl(['apply', '-f', join(root, 'deploy/uninstall.yaml')]);
      await kubectl([
        '-n',
        'bulkhead-uninstall',
        'rollout',
        'status',
        'daemonset/bulkhead-uninstall',
        '--timeout=60s',
      ]);
      expect(await reaches()).toBe(true);
      for (const file of ['deploy/uninstall.yaml', 'deploy/bulkhead.yaml']) {
        await kubectl(['delete', '--ignore-not-found', '-f', join(root, file)]);
      }
      const left = await kubectl(['get', 'namespaces,clusterroles,clusterrolebindings,crds', '-o', 'name']);
      expect(left.split('\n').filter((line) => line.includes('bulkhead'))).toEqual([]);
    });

    test('what takes it out was made for the version that put it in', () => {
      const images = ['deploy/bulkhead.yaml', 'deploy/uninstall.yaml'].flatMap((file) =>
        [...readFileSync(join(root, file), 'utf8').matchAll(/image: (\S+)/g)].map(([, image]) => image),
      );
      expect(new Set(images).size).toBe(1);
    });
  },
);

const isolation = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: 'isolate' },
  spec: { podSelector: {}, policyTypes: ['Ingress'] },
};
