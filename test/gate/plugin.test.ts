/** The plugin as a container runtime starts it, with an agent that says what a test tells it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runPlugin } from '../../src/gate/plugin.ts';
import type { GateAnswer, GateRequest } from '../../src/gate/protocol.ts';

let directory = '';
let server: Server | undefined;
let requests: GateRequest[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'bulkhead-plugin-'));
  requests = [];
});

afterEach(async () => {
  const running = server;
  server = undefined;
  if (running) await new Promise((resolve) => void running.close(resolve));
  rmSync(directory, { recursive: true });
});

async function agent(
  answer: (request: GateRequest, say: (answer: GateAnswer) => void, connection: Socket) => void,
) {
  server = createServer((connection) => {
    connection.on('error', () => undefined);
    connection.on('data', (data) => {
      const request = JSON.parse(data.toString()) as GateRequest;
      requests.push(request);
      answer(request, (one) => connection.write(`${JSON.stringify(one)}\n`), connection);
    });
  });
  await new Promise<void>((resolve) => void server?.listen(join(directory, 'gate.sock'), resolve));
}

const prevResult = {
  cniVersion: '1.0.0',
  interfaces: [{ name: 'veth1' }, { name: 'eth0', sandbox: '/run/netns/one' }],
  ips: [
    { address: '169.254.9.9/32', interface: 0 },
    { address: '10.0.0.5/24', interface: 1, gateway: '10.0.0.1' },
    { address: 'fd00::5/64', interface: 1 },
    { address: '10.0.0.6/24', interface: 1 },
  ],
  routes: [{ dst: '0.0.0.0/0' }],
  dns: { nameservers: ['10.96.0.10'] },
  somethingNew: { kept: true },
};

const podArgs =
  'IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=cart;K8S_POD_INFRA_CONTAINER_ID=c1;K8S_POD_UID=u1';

const configuration = (change: object = {}): string =>
  JSON.stringify({
    cniVersion: '1.0.0',
    name: 'pods',
    type: 'bulkhead-gate',
    socket: join(directory, 'gate.sock'),
    timeoutMs: 200,
    prevResult,
    ...change,
  });

const environment = (command: string, change: Record<string, string> = {}) => ({
  CNI_COMMAND: command,
  CNI_CONTAINERID: 'c1',
  CNI_NETNS: '/run/netns/one',
  CNI_IFNAME: 'eth0',
  CNI_PATH: '/opt/cni/bin',
  CNI_ARGS: podArgs,
  ...change,
});

async function expectFailure(
  code: number,
  part: string,
  given: Promise<{ exitCode: number; stdout: string }>,
) {
  const { exitCode, stdout } = await given;
  const error = JSON.parse(stdout) as { cniVersion: string; code: number; msg: string };
  expect({ exitCode, code: error.code }).toEqual({ exitCode: 1, code });
  expect(error.msg).toContain(part);
  expect(error.cniVersion).not.toBe('');
}

describe('ADD', () => {
  test('asks for the pod’s own addresses, one per family, and gives on the result as it came', async () => {
    await agent((_, say) => say({ ok: true }));
    const { exitCode, stdout } = await runPlugin(environment('ADD'), configuration());
    expect({ exitCode, result: JSON.parse(stdout) as unknown }).toEqual({ exitCode: 0, result: prevResult });
    const sandbox = {
      container: 'c1',
      namespace: 'shop',
      name: 'cart',
      uid: 'u1',
      addresses: ['10.0.0.5', 'fd00::5'],
    };
    expect(requests).toEqual([{ command: 'ADD', sandbox }]);
  });

  test('waits, and fails with what it waited for when its time is over', async () => {
    await agent((_, say) => say({ waiting: 'the API server has not told of the pod yet' }));
    await expectFailure(
      101,
      'after 0.2 s: the API server has not told',
      runPlugin(environment('ADD'), configuration()),
    );
  });

  test('ends well when the answer comes after a while', async () => {
    await agent((_, say) => {
      say({ waiting: 'one' });
      setTimeout(() => say({ ok: true }), 20);
    });
    expect((await runPlugin(environment('ADD'), configuration({ timeoutMs: 30_000 }))).exitCode).toBe(0);
  });

  test('fails where no agent answers', async () => {
    await expectFailure(100, 'no agent of Bulkhead answers', runPlugin(environment('ADD'), configuration()));
  });

  test('asks the agent that comes in place of one that went away', async () => {
    await agent((_, say, connection) => {
      if (requests.length === 1) connection.destroy();
      else say({ ok: true });
    });
    expect((await runPlugin(environment('ADD'), configuration({ timeoutMs: 30_000 }))).exitCode).toBe(0);
    expect(requests).toHaveLength(2);
  });

  test('fails with what the agent says where it can’t', async () => {
    await agent((_, say) => say({ ok: false, message: 'no space left' }));
    await expectFailure(101, 'no space left', runPlugin(environment('ADD'), configuration()));
  });

  test('lets pass what is no pod of Kubernetes, and further interfaces of one', async () => {
    for (const change of [{ CNI_ARGS: '' }, { CNI_IFNAME: 'net1' }]) {
      const { exitCode, stdout } = await runPlugin(environment('ADD', change), configuration());
      expect({ exitCode, result: JSON.parse(stdout) as unknown }).toEqual({
        exitCode: 0,
        result: prevResult,
      });
    }
  });

  test.each([
    {
      what: 'a pod without uid',
      code: 4,
      part: 'K8S_POD_UID',
      change: { CNI_ARGS: 'K8S_POD_NAMESPACE=shop;K8S_POD_NAME=cart' },
    },
    { what: 'no container', code: 4, part: 'CNI_CONTAINERID', change: { CNI_CONTAINERID: '../escape' } },
    {
      what: 'the first plugin of a chain',
      code: 7,
      part: 'no prevResult',
      configured: { prevResult: undefined },
    },
    { what: 'a pod without address', code: 7, part: 'no address', configured: { prevResult: { ips: [] } } },
    { what: 'an old version', code: 1, part: '0.2.0', configured: { cniVersion: '0.2.0' } },
  ])('refuses $what', async ({ code, part, change, configured }) => {
    await expectFailure(code, part, runPlugin(environment('ADD', change), configuration(configured)));
  });

  test('refuses what is no configuration', async () => {
    await expectFailure(6, 'no JSON object', runPlugin(environment('ADD'), 'null'));
  });
});

describe('other commands', () => {
  test('VERSION names the versions, whatever it is asked in', async () => {
    for (const input of ['{"cniVersion":"1.1.0"}', '{"cniVersion":"0.2.0"}', '']) {
      const { exitCode, stdout } = await runPlugin(environment('VERSION'), input);
      expect(exitCode).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ supportedVersions: ['0.3.1', '0.4.0', '1.0.0', '1.1.0'] });
    }
  });

  test('CHECK says what the agent says', async () => {
    let isHeld = true;
    await agent((_, say) => say(isHeld ? { ok: true } : { ok: false, message: 'not those of the pod' }));
    expect(await runPlugin(environment('CHECK'), configuration())).toEqual({ exitCode: 0, stdout: '' });
    isHeld = false;
    await expectFailure(101, 'not those of the pod', runPlugin(environment('CHECK'), configuration()));
  });

  test('DEL and GC tell the agent, and go well with and without one, whatever they are given', async () => {
    const attachments = {
      'cni.dev/valid-attachments': [{ containerID: 'c1', ifname: 'eth0' }, { containerID: 'c2' }],
    };
    const commands = [
      [environment('DEL', { CNI_ARGS: '' }), configuration({ prevResult: undefined })],
      [environment('GC', { CNI_CONTAINERID: '' }), configuration(attachments)],
      [environment('DEL', { CNI_CONTAINERID: '' }), configuration()],
      [environment('DEL'), 'nonsense'],
    ] as const;
    for (const [given, input] of commands)
      expect(await runPlugin(given, input)).toEqual({ exitCode: 0, stdout: '' });
    await agent((_, say) => say({ ok: true }));
    for (const [given, input] of commands)
      expect(await runPlugin(given, input)).toEqual({ exitCode: 0, stdout: '' });
    expect(requests).toEqual([
      { command: 'DEL', container: 'c1' },
      { command: 'GC', containers: ['c1', 'c2'] },
    ]);
  });

  test('STATUS is well without an agent: pods wait, but the node is no unfit one', async () => {
    expect(await runPlugin(environment('STATUS'), configuration())).toEqual({ exitCode: 0, stdout: '' });
  });

  test('any other is an error of the specification’s form', async () => {
    await expectFailure(4, 'CNI_COMMAND', runPlugin(environment('DANCE'), configuration()));
  });
});
