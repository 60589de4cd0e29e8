/** Installed from deploy/ in a cluster of real nodes: it runs with the rights it is given, enforces, is upgraded, and taken out. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { root } from '../../scripts/deploy/names.ts';
import { bulkhead } from '../cli/run-in-process.ts';
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
    async function reaches(...pod: readonly string[]): Promise<boolean> {
      const address = await kubectl([
        'get',
        'pod',
        ...(pod.length > 0 ? pod : ['server']),
        '-o',
        'jsonpath={.status.podIP}',
      ]);
      const connect = ['/agnhost', 'connect', `${address}:8080`, '--timeout=500ms'];
      return kubectl(['exec', 'client', '--', ...connect]).then(
        () => true,
        (error: Error) => {
          if (!error.message.includes('TIMEOUT')) throw error;
          return false;
        },
      );
    }

    async function becomes(expected: boolean, ...pod: readonly string[]): Promise<void> {
      while ((await reaches(...pod)) !== expected) await sleep(50);
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
        'REVISION',
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

    /** From outside, with a kubeconfig and nothing else. */
    const operator = async (...args: readonly string[]) =>
      bulkhead([...args, '--kubeconfig', installed.cluster.kubeconfig]);

    test('lets a script wait, and says by kubeconfig alone where a policy is in force, whom it denied and why', async () => {
      expect(await operator('wait', 'policy/default/isolate')).toMatchObject({ code: 0 });
      expect(await operator('status')).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('2 of 2 nodes ready; 1 of 1 policies in force on every node.'),
      });
      expect((await operator('status', 'policies')).stdout).toMatch(/^default\/isolate +2 +0 +0$/m);
      expect(await reaches()).toBe(false);
      const asked = ['--from', 'default/client', '--to', 'default/server', '--port', '8080'];
      const flows = await operator('flows', ...asked, '--verdict', 'denied', '-n', '1');
      expect(flows).toMatchObject({ code: 0, stderr: '' });
      expect(flows.stdout).toMatch(
        /^n1 .* default\/client:\d+ → default\/server:8080 {2}TCP {2}DENIED .*default\/isolate/,
      );
      const explained = await operator('explain', '--live', ...asked, '--expect', 'deny', '-o', 'json');
      expect(explained.code).toBe(0);
      expect(JSON.parse(explained.stdout)).toMatchObject({
        verdict: 'denied',
        enforcement: { inForce: true, nodes: [{ node: expect.any(String) }, { node: expect.any(String) }] },
      });
    });

    /** Agents may give tables so much memory, from now on. */
    const allow = async (memory: string) => {
      const json = await kubectl([...agents, 'get', 'daemonset/bulkhead', '-o', 'json']);
      const { spec } = JSON.parse(json) as {
        spec: { template: { spec: { containers: { args: string[] }[] } } };
      };
      const index = spec.template.spec.containers[0]?.args.findIndex((arg) =>
        arg.startsWith('--table-memory='),
      );
      const path = `/spec/template/spec/containers/0/args/${index}`;
      const patch = JSON.stringify([{ op: 'replace', path, value: `--table-memory=${memory}` }]);
      await kubectl([...agents, 'patch', 'daemonset/bulkhead', '--type=json', '-p', patch]);
      await rolledOut();
    };

    test('refuses a policy that a node has no room for, where it would be judged, and says so; others hold; larger tables take it', async () => {
      await allow('1Mi');
      const greed = ['-n', 'greed'];
      const create = async (object: unknown) =>
        kubectl([...greed, 'create', '-f', '-'], JSON.stringify(object));
      await kubectl(['create', 'namespace', 'greed']);
      await kubectl([...greed, 'wait', '--for=create', 'serviceaccount/default', '--timeout=60s']);
      await create(podOn('n1', 'greedy', { args: ['netexec'] }));
      await kubectl([...greed, 'wait', 'pod/greedy', '--for=condition=Ready', '--timeout=60s']);
      await becomes(true, ...greed, 'greedy');
      await create(greedyPolicy);
      const waited = await operator('wait', 'policy/greed/greedy');
      expect(waited.code).toBe(1);
      expect(waited.stdout).toMatch(/greed\/greedy: refused on n1 since .*: DATAPATH_FULL: /);
      const status = await operator('status', 'policies');
      expect(status.code).toBe(1);
      expect(status.stdout).toMatch(/^greed\/greedy +1 +0 +1$/m);
      expect(status.stdout).toMatch(/^default\/isolate +2 +0 +0$/m);
      const events = [...greed, 'get', 'events', '-o', 'jsonpath={.items[*].message}'];
      while (!(await kubectl(events)).includes('Node n1 refuses this policy')) await sleep(100);
      expect(await kubectl(events)).toContain('the pods that it selects are closed. DATAPATH_FULL: ');
      // It would let everybody in.
      expect(await reaches(...greed, 'greedy')).toBe(false);
      expect(await reaches()).toBe(false);
      await allow('256Mi');
      expect(await operator('wait', 'policy/greed/greedy')).toMatchObject({ code: 0 });
      await becomes(true, ...greed, 'greedy');
      expect(await reaches()).toBe(false);
      await kubectl([...greed, 'delete', 'networkpolicy', 'greedy']);
      expect(await operator('wait', 'policy/greed/greedy', '--for=deleted')).toMatchObject({ code: 0 });
      expect(await reaches(...greed, 'greedy')).toBe(true);
      expect(await operator('status')).toMatchObject({ code: 0 });
      expect(await reaches()).toBe(false);
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
      const { stdout } = await operator('status');
      expect(stdout).toMatch(/^0 of 2 nodes ready; /);
      expect(stdout.match(/^n\d: the agent's pod is gone; it last said something at /gm)).toHaveLength(2);
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

/** Lets everybody in, and besides them, in so many words, prefixes of nobody here, no two of them neighbours. */
const greedyPolicy = {
  ...isolation,
  metadata: { name: 'greedy' },
  spec: {
    podSelector: {},
    ingress: [
      {
        from: [
          { namespaceSelector: {} },
          ...Array.from({ length: 20_000 }, (_, index) => ({
            ipBlock: { cidr: `11.${index >> 8}.${index & 255}.0/25` },
          })),
        ],
      },
    ],
  },
};
