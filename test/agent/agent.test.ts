/** The agent with real parts: an API server and etcd, a node and pods as network namespaces, packets. */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { Agent } from '../../src/agent/agent.ts';
import { detachEngines } from '../../src/agent/node-datapath.ts';
import type { AgentOptions } from '../../src/agent/options.ts';
import { BulkheadError } from '../../src/errors.ts';
import { pinnedGenerations } from '../../src/datapath/ebpf/generations.ts';
import { layouts } from '../../src/datapath/ebpf/layout.ts';
import { BpfMap } from '../../src/kernel/bpf-map.ts';
import { detachLink } from '../../src/kernel/bpf.ts';
import { libbpf } from '../../src/kernel/libbpf.ts';
import { inNetns } from '../../src/kernel/netns.ts';
import { KubernetesClient } from '../../src/kubernetes/client.ts';
import { findConnection } from '../../src/kubernetes/connect.ts';
import { ApiClient } from '../cluster/api/client.ts';
import { startControlPlane } from '../cluster/control-plane/control-plane.ts';
import type { ControlPlane } from '../cluster/control-plane/control-plane.ts';
import { lightParts } from '../cluster/parts/catalogue.ts';
import { reasonToSkip } from '../cluster/parts/reason-to-skip.ts';
import { Conversation, echoServer, until } from '../datapath/conversation.ts';
import { world } from '../datapath/guard-world.ts';
import { isRoot } from '../datapath/kernel-tables.ts';
import { TestNetwork } from '../datapath/test-network.ts';
import type { PodName } from '../datapath/test-network.ts';
import { agentOptions } from './agent-options.ts';

const reason = reasonToSkip(lightParts);
const node = 'n1';
const status = `/apis/bulkhead.io/v1alpha1/nodepolicystatuses/${node}`;
const policies = '/apis/networking.k8s.io/v1/namespaces/default/networkpolicies';
const engines = ['ebpf', 'nftables'] as const;

let controlPlane: ControlPlane;
let api: ApiClient;

async function createNode(): Promise<void> {
  await api.must('POST', '/api/v1/nodes', {
    metadata: { name: node },
    spec: { podCIDR: '10.0.0.0/24', podCIDRs: ['10.0.0.0/24'] },
  });
  const addresses = [{ type: 'InternalIP', address: world[4].node.text }];
  await api.must(
    'PATCH',
    `/api/v1/nodes/${node}/status`,
    { status: { addresses } },
    'application/merge-patch+json',
  );
}

async function createPod(name: PodName): Promise<void> {
  const containers = [{ name: 'main', image: 'main' }];
  await api.must('POST', '/api/v1/namespaces/default/pods', {
    metadata: { name, labels: { app: name } },
    spec: { nodeName: node, containers, automountServiceAccountToken: false },
  });
  const podIP = world[4][name].text;
  await api.must(
    'PATCH',
    `/api/v1/namespaces/default/pods/${name}/status`,
    { status: { phase: 'Running', podIP, podIPs: [{ ip: podIP }] } },
    'application/merge-patch+json',
  );
}

function ingressPolicy(name: string, port: number) {
  const spec = { podSelector: { matchLabels: { app: 'server' } }, ingress: [{ ports: [{ port }] }] };
  return { metadata: { name }, spec };
}

describe.skipIf(!isRoot || reason !== undefined)(
  `[root] an agent${reason ? ` (skipped: ${reason})` : ''}`,
  () => {
    beforeAll(async () => {
      controlPlane = await startControlPlane();
      api = new ApiClient(controlPlane.kubeconfig);
      const definition: unknown = parse(
        readFileSync(new URL('../../deploy/crd.yaml', import.meta.url), 'utf8'),
      );
      await api.must('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition);
      await api.must('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
      await createNode();
      for (const name of ['client', 'server', 'open'] as const) await createPod(name);
    });

    afterAll(async () => {
      api?.close();
      await controlPlane?.stop();
    });

    describe.each(engines)('with %s', (engine) => {
      let network: TestNetwork;
      let directory: string;
      let agent: Agent | undefined;
      let server: Server;
      let log = '';

      beforeAll(async () => {
        network = new TestNetwork();
        directory = mkdtempSync(join(tmpdir(), 'bulkhead-agent-'));
        server = await echoServer(network.pod('server'), 80);
      });

      afterEach(async () => {
        await agent?.stop();
        agent = undefined;
        await api.request('DELETE', policies);
        detachEngines(place());
      });

      afterAll(() => {
        server.close();
        network.remove();
        rmSync(directory, { recursive: true });
      });

      const place = () => ({
        netns: network.node,
        bpffs: network.bpffs,
        pinDir: `${network.bpffs}/bulkhead`,
      });

      async function start(
        change: Partial<AgentOptions> = {},
        kubeconfig = controlPlane.kubeconfig,
      ): Promise<Agent> {
        log = '';
        const options = agentOptions(network, directory, {
          node,
          engine,
          degradedAfterMs: 300,
          events: 'all',
          ...change,
        });
        const client = new KubernetesClient(await findConnection({ kubeconfig }));
        agent = new Agent(options, client, {
          log: (level, message, fields) => (log += `${level} ${message} ${JSON.stringify(fields ?? {})}\n`),
        });
        await agent.start();
        return agent;
      }

      async function synced(change: Partial<AgentOptions> = {}): Promise<Agent> {
        const started = await start(change);
        await until(() => started.health.ready);
        return started;
      }

      /** Whether a connection comes about within the time that a few SYNs take on one machine. */
      async function reaches(port = 80): Promise<boolean> {
        const conversation = Conversation.tcp(network.pod('client'), world[4].server, port);
        try {
          for (let tries = 0; tries < 60; tries += 1) {
            if (conversation.connected) return true;
            await sleep(5);
          }
          return false;
        } finally {
          conversation.close();
        }
      }

      async function get(path: string): Promise<{ status: number | undefined; body: string }> {
        return new Promise((resolve, reject) => {
          const options = path.startsWith('/debug')
            ? { socketPath: `${directory}/debug.sock`, path: path.slice('/debug'.length) }
            : { host: '127.0.0.1', port: agent?.port, path };
          request(options, (response) => {
            text(response).then((body) => resolve({ status: response.statusCode, body }), reject);
          })
            .on('error', reject)
            .end();
        });
      }

      async function realised(): Promise<{
        realisedResourceVersion: string;
        refused: unknown[];
        localPods: number;
      }> {
        const { body } = await api.request('GET', status);
        const { status: found } = body as { status?: Awaited<ReturnType<typeof realised>> };
        return found ?? { realisedResourceVersion: '', refused: [], localPods: 0 };
      }

      test('closes the pods before it knows anything, and enforces once it has read everything', async () => {
        const dead = join(directory, 'nowhere');
        const config = readFileSync(controlPlane.kubeconfig, 'utf8').replace(
          /127\.0\.0\.1:\d+/,
          '127.0.0.1:1',
        );
        writeFileSync(dead, config);
        expect(await reaches()).toBe(true);
        const lost = await start({}, dead);
        expect(await reaches()).toBe(false);
        expect((await get('/readyz')).status).toBe(503);
        expect((await get('/livez')).status).toBe(200);
        await lost.stop();
        await synced();
        expect((await get('/readyz')).status).toBe(200);
        expect(await reaches()).toBe(true);
      });

      test('enforces a policy as it comes, changes and goes, and says which revision it enforces', async () => {
        await synced();
        const { body } = await api.request('POST', policies, ingressPolicy('server', 81));
        const { metadata } = body as { metadata: { resourceVersion: string } };
        while (await reaches());
        while (BigInt((await realised()).realisedResourceVersion || 0) < BigInt(metadata.resourceVersion))
          await sleep(50);
        expect((await realised()).localPods).toBe(3);
        await api.must('PUT', `${policies}/server`, ingressPolicy('server', 80));
        while (!(await reaches()));
        await api.must('PUT', `${policies}/server`, ingressPolicy('server', 81));
        while (await reaches());
        await api.must('DELETE', `${policies}/server`);
        while (!(await reaches()));
      });

      test('goes on without an API server, says so, and catches up', async () => {
        await api.must('POST', policies, ingressPolicy('server', 81));
        const running = await synced();
        while (await reaches());
        await controlPlane.apiserver.kill();
        await until(() => running.health.conditions.get('api')?.ok === false);
        expect((await get('/healthz')).status).toBe(503);
        expect((await get('/readyz')).status).toBe(200);
        expect(await reaches()).toBe(false);
        await controlPlane.apiserver.start();
        await api.must('DELETE', `${policies}/server`);
        while (!(await reaches()));
        await until(() => running.health.healthy);
      });

      test('leaves the kernel enforcing when it ends, and a successor takes over without opening anything', async () => {
        await api.must('POST', policies, ingressPolicy('server', 81));
        const first = await synced();
        while (await reaches());
        await first.stop();
        expect(await reaches()).toBe(false);
        await synced();
        expect(await reaches()).toBe(false);
        await api.must('DELETE', `${policies}/server`);
        while (!(await reaches()));
      });

      test('notices that somebody flushed the ruleset, and mends it', async () => {
        await api.must('POST', policies, ingressPolicy('server', 81));
        await synced({ syncPeriodMs: 200 });
        while (await reaches());
        await sleep(300);
        expect((await get('/debug/metrics')).body).not.toContain('bulkhead_drift_total{');
        inNetns(network.node, () => spawnSync('nft', ['flush', 'ruleset']));
        await until(() => log.includes('made anew'));
        expect(await reaches()).toBe(false);
        expect((await get('/debug/metrics')).body).toMatch(/bulkhead_drift_total\{kind="table"\} [1-9]/);
      });

      test.skipIf(engine !== 'ebpf')(
        'notices that a link was detached or a pin deleted, and mends it',
        async () => {
          await api.must('POST', policies, ingressPolicy('server', 81));
          await synced({ syncPeriodMs: 200 });
          while (await reaches());
          const pins = `${network.bpffs}/bulkhead`;
          const link = libbpf().get(`${pins}/${pinnedGenerations(pins).at(-1)}/link_forward4`);
          detachLink(link);
          closeSync(link);
          await until(() => log.includes('the program forward4 is not in its hook'));
          await until(() => log.includes('made anew'));
          expect(await reaches()).toBe(false);
          unlinkSync(`${pins}/${pinnedGenerations(pins).at(-1)}/ports`);
          await until(() => log.includes('ports is gone'));
        },
      );

      test.skipIf(engine !== 'ebpf')('notices that somebody wrote a map, and mends it', async () => {
        await api.must('POST', policies, ingressPolicy('server', 81));
        await synced({ syncPeriodMs: 200 });
        while (await reaches());
        const pins = `${network.bpffs}/bulkhead`;
        const generation = pinnedGenerations(pins).at(-1);
        const subjects = new BpfMap({ name: 'subjects', fd: libbpf().get(`${pins}/${generation}/subjects`) });
        // Whoever is not isolated is open: all subjects without their sets.
        const subject = new Uint8Array(layouts.subject.size);
        for (let index = 0; index < 16; index += 1) {
          const key = new Uint8Array(Uint32Array.of(index).buffer);
          subjects.get(key, subject);
          subject.fill(0, layouts.subject.ingress_set, layouts.subject.role);
          subjects.set(key, subject);
        }
        closeSync(subjects.fd);
        await until(() => log.includes('the map subjects was written by somebody else'));
        await until(() => log.includes('made anew'));
        expect(pinnedGenerations(pins)).toEqual([Number(generation) + 1]);
        expect(await reaches()).toBe(false);
        expect((await get('/debug/metrics')).body).toMatch(/bulkhead_drift_total\{kind="rows"\} 1\b/);
        log = '';
        await sleep(500);
        expect(log).not.toContain('error');
      });

      test('learns what pods are behind when the CNI is configured later', async () => {
        const running = await synced({ podInterfaces: 'auto' });
        expect(running.health.conditions.get('network')?.reason).toBe('InterfacesUnknown');
        const configuration = join(directory, '10-net.conflist');
        writeFileSync(configuration, JSON.stringify({ plugins: [{ type: 'ptp' }] }));
        await until(() => log.includes('made anew'));
        await until(() => running.health.conditions.get('network')?.reason === 'InterfacesKnown');
        rmSync(configuration);
      });

      test('says what it saw and knows on a socket that only root may open', async () => {
        await api.must('POST', policies, ingressPolicy('server', 81));
        await synced();
        while (await reaches());
        await until(() => statSync(`${directory}/debug.sock`).isSocket());
        expect(statSync(`${directory}/debug.sock`).mode & 0o777).toBe(0o600);
        await sleep(300);
        const { body } = await get('/debug/flows?verdict=denied');
        const flows = body
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as { record?: Record<string, unknown> });
        expect(flows.at(-1)?.record).toMatchObject({
          verdict: 'denied',
          source: { name: 'default/client' },
          destination: { name: 'default/server', port: 80 },
          decisions: [
            { reason: 'not-isolated' },
            {
              reason: 'default-deny',
              isolatedBy: [{ policy: 'default/server' }],
              nearMisses: [{ detail: 'the peer matches, but only TCP 81 is allowed, not TCP 80' }],
            },
          ],
        });
        expect((await get('/debug/policies')).body).toContain('NetworkPolicy/default/server');
        expect((await get('/metrics')).body).toMatch(
          /bulkhead_packets_total\{reason="default-deny",verdict="denied"\} [1-9]/,
        );
      });

      test('logs neither what policies say nor its credentials', async () => {
        const marks = { label: 'marked-label', block: '203.0.113.64/26', port: 47_113 };
        const podSelector = { matchLabels: { app: 'server', [marks.label]: 'marked-value' } };
        const from = [{ ipBlock: { cidr: marks.block } }, { podSelector }];
        const spec = { podSelector, ingress: [{ from, ports: [{ port: marks.port }] }] };
        await api.must('POST', policies, { metadata: { name: 'marked' }, spec });
        const running = await synced();
        await api.must('PUT', `${policies}/marked`, {
          metadata: { name: 'marked' },
          spec: { ...spec, egress: [] },
        });
        await api.must('POST', policies, ingressPolicy('server', 81));
        while (await reaches());
        await running.stop();
        const lines = log.split('\n').filter((line) => !line.startsWith('debug '));
        expect(lines.join('\n')).toMatch(/^info synced/m);
        const credentials = readFileSync(controlPlane.kubeconfig, 'utf8').match(/data: \S{40}/g) ?? [];
        expect(credentials.length).toBeGreaterThan(0);
        const secrets = credentials.map((line) => line.slice('data: '.length));
        for (const mark of [...Object.values(marks).map(String), 'marked-value', ...secrets])
          expect(lines.filter((line) => line.includes(mark))).toEqual([]);
      });

      test('reports for the Node that there is, when another one has taken the name', async () => {
        await synced();
        const owner = async (): Promise<string | undefined> => {
          const { body } = await api.request('GET', status);
          const { metadata } = body as { metadata?: { ownerReferences?: readonly { uid: string }[] } };
          return metadata?.ownerReferences?.[0]?.uid;
        };
        const uid = async (): Promise<string> => {
          const found = (await api.must('GET', `/api/v1/nodes/${node}`)) as { metadata: { uid: string } };
          return found.metadata.uid;
        };
        await expect.poll(owner, { timeout: 10_000 }).toBe(await uid());
        await api.must('DELETE', `/api/v1/nodes/${node}`);
        await createNode();
        await expect.poll(owner, { timeout: 10_000 }).toBe(await uid());
      });

      test('is alone on its node', async () => {
        await synced();
        const running = agent;
        await expect(start()).rejects.toBeInstanceOf(BulkheadError);
        agent = running;
      });
    });
  },
);
