import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KubernetesClient } from '../../src/kubernetes/client.ts';
import { followFlows } from '../../src/operate/followed-flows.ts';
import { bulkhead } from '../cli/run-in-process.ts';
import { plainConnection, until as eventually } from '../kubernetes/recorder.ts';
import { FakeAgents } from './fake-agents.ts';

let agents: FakeAgents;
let folder: string;

beforeEach(async () => {
  agents = await FakeAgents.start();
  folder = mkdtempSync(join(tmpdir(), 'bulkhead-flows-'));
  const clusters = [{ name: 'c', cluster: { server: agents.api.url } }];
  const contexts = [{ name: 'c', context: { cluster: 'c', user: 'c' } }];
  const config = { clusters, contexts, users: [{ name: 'c', user: {} }], 'current-context': 'c' };
  writeFileSync(join(folder, 'kubeconfig'), JSON.stringify(config));
});

afterEach(async () => {
  await agents.stop();
  rmSync(folder, { recursive: true });
});

const flows = (...args: string[]) => bulkhead(['flows', ...args, '--kubeconfig', join(folder, 'kubeconfig')]);

/** `n1 80`, or `n1 lost 3`. */
function shown(stdout: string): string[] {
  const lines = stdout.trim().split('\n');
  return lines.map((line) => {
    const item = JSON.parse(line) as {
      node: string;
      kind: string;
      events: number;
      record: { destination: { port: number } };
    };
    return `${item.node} ${item.kind === 'lost' ? `lost ${item.events}` : item.record.destination.port}`;
  });
}

describe('the past flows of a cluster', () => {
  test('are those of all nodes in the order of time, the last ones, with the node', async () => {
    for (const node of ['n1', 'n2']) await agents.run(node);
    for (const [index, node] of (['n1', 'n2', 'n1', 'n2'] as const).entries()) {
      agents.see(node, 81 + index);
      await sleep(5);
    }
    agents.lose('n1', 3);
    const all = await flows('-o', 'json');
    expect(all.code).toBe(0);
    expect(all.stderr).toBe('');
    expect(shown(all.stdout)).toEqual(['n1 81', 'n2 82', 'n1 83', 'n1 lost 3', 'n2 84']);
    expect(shown((await flows('-o', 'json', '-n', '2')).stdout)).toEqual(['n1 lost 3', 'n2 84']);
    expect(shown((await flows('-o', 'json', '--node', 'n2')).stdout)).toEqual(['n2 82', 'n2 84']);
    expect(shown((await flows('-o', 'json', '--port', '83', '--from', 'x/client')).stdout)).toEqual([
      'n1 83',
      'n1 lost 3',
    ]);
    const compact = await flows('-n', '1');
    expect(compact.stdout).toMatch(/^n2 {2}\d\d:.* x\/client:40000 → x\/web:84 {2}TCP {2}ALLOWED/);
    const table = await flows('-o', 'table', '--node', 'n1');
    expect(table.stdout).toMatch(/^NODE +TIME +FROM .*\nn1 +\d\d:\d\d/);
  });

  test('are asked for with the program and the directory of the pod, and the answer ends the command', async () => {
    await agents.run('n1');
    await flows('--verdict', 'denied', '--to', 'x/web');
    const [command] = agents.commands;
    expect(command?.slice(0, 2)).toEqual(['bulkhead', 'debug']);
    const { searchParams } = new URL(command?.[2] ?? '', 'http://agent');
    expect(Object.fromEntries(searchParams)).toEqual({ verdict: 'denied', to: 'x/web', last: '20' });
    expect(command?.at(-1)).toBe('--until-eof');
    await eventually(() => agents.running.size === 0, { what: () => 'no command runs' });
  });

  test('of a node that cannot be asked are missing, which is said, and 1 the exit code', async () => {
    for (const node of ['n1', 'n2']) await agents.run(node);
    agents.nodes.set('n3', '');
    await agents.end('n2');
    agents.see('n1', 81);
    const { code, stdout, stderr } = await flows('-o', 'json');
    expect(code).toBe(1);
    expect(shown(stdout)).toEqual(['n1 81']);
    expect(stderr).toContain('n3: no flows come from this node: no agent runs there');
    expect(stderr).toContain("the agent's pod bulkhead-system/agent-n2 does not run: CrashLoopBackOff");
  });

  test('in a namespace without agents are an error', async () => {
    const { code, stderr } = await flows('--agent-namespace', 'elsewhere');
    expect(code).toBe(2);
    expect(stderr).toContain('error AGENT_PODS_MISSING: no pod in namespace elsewhere');
  });
});

describe('flows that are followed', () => {
  const seen: string[] = [];
  const notices: string[] = [];
  let ending: AbortController;
  let following: Promise<void>;
  let client: KubernetesClient;

  async function follow(last = 20): Promise<void> {
    for (const list of [seen, notices]) list.length = 0;
    ending = new AbortController();
    client = new KubernetesClient(plainConnection(agents.api.url));
    following = followFlows({
      client,
      namespace: 'bulkhead-system',
      question: { last, filter: {} },
      flow: (flow) => seen.push(...shown(JSON.stringify(flow))),
      notice: ({ node, ...rest }) => notices.push([node, ...Object.values(rest)].join(' ')),
      signal: ending.signal,
    });
    await Promise.resolve();
  }

  const come = (...expected: readonly string[]): Promise<void> =>
    eventually(() => seen.length >= expected.length, {
      what: () => `${expected.join()}: ${seen.join()}`,
    }).then(() => expect(seen).toEqual(expected));

  afterEach(async () => {
    ending.abort();
    await following;
    client.close();
  });

  test('begin with the last ones of all nodes', async () => {
    for (const node of ['n1', 'n2'] as const) {
      await agents.run(node);
      for (const port of [81, 82]) agents.see(node, port);
      await sleep(5);
    }
    await follow(3);
    await come('n1 82', 'n2 81', 'n2 82');
    agents.see('n1', 83);
    await come('n1 82', 'n2 81', 'n2 82', 'n1 83');
    expect(notices).toEqual([]);
  });

  test('go on after a cut connection, without one missing or twice', async () => {
    await agents.run('n1');
    agents.see('n1', 81);
    await follow();
    await come('n1 81');
    for (const socket of agents.running) socket.terminate();
    agents.see('n1', 82);
    agents.see('n1', 83);
    await come('n1 81', 'n1 82', 'n1 83');
    expect(notices.map((notice) => notice.split(' ').slice(0, 2).join(' '))).toEqual([
      'n1 silent',
      'n1 back',
    ]);
    expect(notices[1]).toBe('n1 back');
  });

  test('go on with the next agent of a node, and say what may be missing', async () => {
    await agents.run('n1');
    agents.see('n1', 81);
    await follow();
    await come('n1 81');
    await agents.run('n1');
    agents.see('n1', 82);
    await come('n1 81', 'n1 82');
    expect(notices.at(-1)).toMatch(/^n1 back 20\d\d-\d\d-\d\dT/);
  });

  test('begin on a node that comes later', async () => {
    await agents.run('n1');
    await follow(0);
    await eventually(() => agents.followed('n1'), { what: () => 'n1 is followed' });
    agents.see('n1', 81);
    await come('n1 81');
    await agents.run('n2');
    agents.see('n2', 82);
    await come('n1 81', 'n2 82');
    expect(notices).toEqual([]);
  });

  test('leave no command behind when nobody looks any more', async () => {
    await agents.run('n1');
    await follow();
    await eventually(() => agents.followed('n1'), { what: () => 'n1 is followed' });
    ending.abort();
    await following;
    await eventually(() => !agents.followed('n1'), { what: () => 'nobody looks' });
    await eventually(() => agents.running.size === 0, { what: () => 'no command runs' });
    expect(agents.commands).toHaveLength(1);
  });
});
