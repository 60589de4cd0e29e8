/** The plugin and the agent together, with an API server, a node and pods as network namespaces, and packets. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Agent } from '../../../src/agent/agent.ts';
import { detachEngines } from '../../../src/agent/node-datapath.ts';
import { runPlugin } from '../../../src/gate/plugin.ts';
import { KubernetesClient } from '../../../src/kubernetes/client.ts';
import { findConnection } from '../../../src/kubernetes/connect.ts';
import { ApiClient } from '../../cluster/api/client.ts';
import { startControlPlane } from '../../cluster/control-plane/control-plane.ts';
import type { ControlPlane } from '../../cluster/control-plane/control-plane.ts';
import { lightParts } from '../../cluster/parts/catalogue.ts';
import { reasonToSkip } from '../../cluster/parts/reason-to-skip.ts';
import { Conversation, echoServer, until } from '../../datapath/conversation.ts';
import { world } from '../../datapath/guard-world.ts';
import { isRoot } from '../../datapath/kernel-tables.ts';
import { TestNetwork } from '../../datapath/test-network.ts';
import { agentOptions } from '../agent-options.ts';

const reason = reasonToSkip(lightParts);
const pods = '/api/v1/namespaces/default/pods';
const policies = '/apis/networking.k8s.io/v1/namespaces/default/networkpolicies';

describe.skipIf(!isRoot || reason !== undefined)(
  `[root] the gate${reason ? ` (skipped: ${reason})` : ''}`,
  () => {
    let controlPlane: ControlPlane;
    let api: ApiClient;

    beforeAll(async () => {
      controlPlane = await startControlPlane();
      api = new ApiClient(controlPlane.kubeconfig);
      await api.must('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
      await api.must('POST', '/api/v1/nodes', {
        metadata: { name: 'n1' },
        spec: { podCIDR: '10.0.0.0/24', podCIDRs: ['10.0.0.0/24'] },
      });
      await createPod('server');
      await setAddress('server', world[4].server.text);
    });

    afterAll(async () => {
      api?.close();
      await controlPlane?.stop();
    });

    /** As it is before the kubelet has said anything; gives its uid. */
    async function createPod(name: string): Promise<string> {
      const created = await api.must('POST', pods, {
        metadata: { name, labels: { app: name } },
        spec: {
          nodeName: 'n1',
          containers: [{ name: 'main', image: 'main' }],
          automountServiceAccountToken: false,
        },
      });
      return (created as { metadata: { uid: string } }).metadata.uid;
    }

    async function setAddress(name: string, podIP: string): Promise<void> {
      const status = { phase: 'Running', podIP, podIPs: [{ ip: podIP }] };
      await api.must('PATCH', `${pods}/${name}/status`, { status }, 'application/merge-patch+json');
    }

    describe.each(['ebpf', 'nftables'] as const)('with %s', (engine) => {
      let network: TestNetwork;
      let directory: string;
      let server: Server;
      let agent: Agent | undefined;

      beforeAll(async () => {
        network = new TestNetwork();
        directory = mkdtempSync(join(tmpdir(), 'bulkhead-gate-agent-'));
        server = await echoServer(network.pod('server'), 80);
      });

      beforeEach(async () => {
        await start();
        await until(() => agent?.health.ready ?? false);
      });

      afterEach(async () => {
        await agent?.stop();
        await api.request('DELETE', policies);
        for (const name of ['client', 'open']) {
          await api.request('DELETE', `${pods}/${name}?gracePeriodSeconds=0`);
        }
        const { node: netns, bpffs } = network;
        detachEngines({ netns, bpffs, pinDir: `${bpffs}/bulkhead` });
        rmSync(join(directory, 'gate'), { recursive: true, force: true });
      });

      afterAll(() => {
        server.close();
        network.remove();
        rmSync(directory, { recursive: true });
      });

      async function start(): Promise<void> {
        const options = agentOptions(network, directory, { node: 'n1', engine, publishStatus: false });
        const client = new KubernetesClient(await findConnection({ kubeconfig: controlPlane.kubeconfig }));
        agent = new Agent(options, client, { log: () => undefined });
        await agent.start();
      }

      /** As the container runtime does it. */
      async function cni(command: string, name: string, uid: string, timeoutMs = 30_000): Promise<string> {
        const address = world[4][name === 'open' ? 'open' : 'client'].text;
        const { exitCode, stdout } = await runPlugin(
          {
            CNI_COMMAND: command,
            CNI_CONTAINERID: `sandbox-${uid}`,
            CNI_IFNAME: 'eth0',
            CNI_ARGS: `K8S_POD_NAMESPACE=default;K8S_POD_NAME=${name};K8S_POD_UID=${uid}`,
          },
          JSON.stringify({
            cniVersion: '1.0.0',
            socket: join(directory, 'gate.sock'),
            timeoutMs,
            prevResult: { ips: [{ address: `${address}/24` }] },
          }),
        );
        return exitCode === 0 ? 'ok' : (JSON.parse(stdout) as { msg: string }).msg;
      }

      /** The first packets of the client: a SYN, and one more a second later would be too late. */
      async function reaches(): Promise<boolean> {
        const conversation = Conversation.tcp(network.pod('client'), world[4].server, 80);
        try {
          for (let tries = 0; tries < 60 && !conversation.connected; tries += 1) await sleep(5);
          return conversation.connected;
        } finally {
          conversation.close();
        }
      }

      const policyFor = (app: string, rule: object) => ({
        metadata: { name: `for-${app}` },
        spec: { podSelector: { matchLabels: { app } }, ...rule },
      });

      test('lets a pod in whose first packet passes, though the API server does not know its address', async () => {
        await api.must(
          'POST',
          policies,
          policyFor('server', {
            ingress: [{ from: [{ podSelector: { matchLabels: { app: 'client' } } }] }],
          }),
        );
        const uid = await createPod('client');
        expect(await reaches()).toBe(false);
        expect(await cni('ADD', 'client', uid)).toBe('ok');
        expect(await reaches()).toBe(true);
        expect(await cni('CHECK', 'client', uid)).toBe('ok');
        await setAddress('client', world[4].client.text);
        expect(await reaches()).toBe(true);
      });

      test('lets a pod in whose first packet is judged by the policies that were there before it', async () => {
        await api.must('POST', policies, policyFor('client', { policyTypes: ['Egress'] }));
        const uid = await createPod('client');
        expect(await cni('ADD', 'client', uid)).toBe('ok');
        expect(await reaches()).toBe(false);
        await api.must('DELETE', `${policies}/for-client`);
        while (!(await reaches()));
      });

      test('holds a pod until the API server has told of it', async () => {
        // Of none that the agent could know it says so, and gives up.
        expect(await cni('ADD', 'client', 'unknown', 300)).toContain('has not told the agent of the pod');
        const held = cni('ADD', 'client', 'unknown', 1000);
        const uid = await createPod('client');
        expect(await cni('ADD', 'client', uid)).toBe('ok');
        expect(await reaches()).toBe(true);
        // The name alone opens nothing.
        expect(await held).toContain('has not told the agent of the pod');
      });

      test('gives an address to the pod that gets it, though the one before it still claims it', async () => {
        await createPod('open');
        await setAddress('open', world[4].client.text);
        while (!(await reaches()));
        await api.must('POST', policies, policyFor('client', { policyTypes: ['Egress'] }));
        const uid = await createPod('client');
        expect(await cni('ADD', 'client', uid)).toBe('ok');
        expect(await reaches()).toBe(false);
      });

      test('closes the address when the sandbox is gone', async () => {
        const uid = await createPod('client');
        expect(await cni('ADD', 'client', uid)).toBe('ok');
        expect(await reaches()).toBe(true);
        expect(await cni('DEL', 'client', uid)).toBe('ok');
        expect(await reaches()).toBe(false);
        expect(await cni('CHECK', 'client', uid)).toContain('not those of the pod');
      });

      test('is remembered by the next agent, and no pod waits in vain for one that is being replaced', async () => {
        const uid = await createPod('client');
        expect(await cni('ADD', 'client', uid)).toBe('ok');
        await agent?.stop();
        const [open, other] = ['open', await createPod('open')];
        const held = cni('ADD', open, other);
        expect(await reaches()).toBe(true);
        await start();
        await until(() => agent?.health.ready ?? false);
        expect(await reaches()).toBe(true);
        expect(await held).toBe('ok');
      });

      test('stays shut without an agent, but for what is deleted', async () => {
        const uid = await createPod('client');
        await agent?.stop();
        expect(await cni('ADD', 'client', uid, 300)).toContain('no agent of Bulkhead answers');
        expect(await cni('DEL', 'client', uid)).toBe('ok');
      });

      test('is asked by root alone', () => {
        expect(statSync(join(directory, 'gate.sock')).mode & 0o777).toBe(0o600);
      });
    });
  },
);
