/** What is left of a lab when its daemon is killed, and how it goes away; and two labs side by side. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import type { LabListItem } from '../../src/cli/lab-reports.ts';
import { openLibbpf } from '../../src/kernel/libbpf.ts';
import { labPaths } from '../../src/lab/paths.ts';
import { startDaemon } from '../../src/lab/start-daemon.ts';
import { bulkhead, isRoot, describeDifferences, TestLab } from './lab-harness.ts';

const example = 'examples/frontend-backend';
const refused = 7;
const timedOut = 28;

/** Everything of a lab that could stay behind on this machine. */
function traces(lab: TestLab): string[] {
  const prefix = `bh-${lab.name}.`;
  const named = (directory: string) =>
    existsSync(directory) ? readdirSync(directory).filter((name) => name.startsWith(prefix)) : [];
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const processes = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).split('\n');
  return [
    ...named('/run/netns'),
    ...named('/etc/netns'),
    ...[`/run/bulkhead/labs/${lab.name}`].filter(existsSync),
    ...mounts.filter((mount) => mount.includes(lab.name)),
    ...processes.filter((args) => args.includes(`lab daemon --name ${lab.name}`)),
  ];
}

async function kill9(lab: TestLab): Promise<void> {
  const { pid } = await lab.status();
  process.kill(pid, 'SIGKILL');
  while (existsSync(`/proc/${pid}`)) await sleep(5);
}

async function connect(lab: TestLab, from: string): Promise<number> {
  const { code } = await lab.exec(from, 'curl', '-s', '-m', '1', 'http://backend');
  return code;
}

describe.skipIf(!isRoot)('[root] labs come and go', () => {
  const [lab, second] = [new TestLab('crash'), new TestLab('second')];
  afterEach(async () => {
    await lab.down();
    await second.down();
  });

  test('down leaves nothing behind', async () => {
    const before = linkIds();
    await lab.up(example);
    expect(traces(lab)).not.toEqual([]);
    const permissions = statSync(labPaths(lab.name).socket).mode & 0o777;
    expect(permissions.toString(8)).toBe('600');
    await lab.down();
    expect(traces(lab)).toEqual([]);
    expect(linkIds().filter((id) => !before.includes(id))).toEqual([]);
  });

  test('policies outlive a killed daemon; status says so, down cleans up', async () => {
    await lab.up(example);
    const { pods } = await lab.status();
    const netnsOf = (name: string) => pods.find((pod) => pod.name === name)?.netns ?? '';
    const address = pods.find(({ name }) => name === 'demo/backend-1')?.addresses[0] ?? '';
    const curlFrom = (name: string) => {
      const command = ['netns', 'exec', netnsOf(name), 'curl', '-s', '-m', '1', `http://${address}:8080`];
      return exitCode('ip', command);
    };
    expect([curlFrom('demo/frontend-1'), curlFrom('demo/visitor')]).toEqual([0, timedOut]);
    await kill9(lab);
    // The servers died with the daemon: what may pass is refused by the pod, what may not is still dropped.
    expect([curlFrom('demo/frontend-1'), curlFrom('demo/visitor')]).toEqual([refused, timedOut]);
    const status = await lab.run('status');
    expect(status).toMatchObject({ code: 2 });
    expect(status.stderr).toContain('the kernel still enforces');
    await lab.down();
    expect(traces(lab)).toEqual([]);
  });

  test('up takes over the name of a lab whose daemon was killed', async () => {
    await lab.up(example);
    await kill9(lab);
    await lab.up(example);
    expect(describeDifferences(await lab.probe())).toEqual([]);
  });

  test('a second up of the same name is refused and harms nothing', async () => {
    await lab.up(example);
    const again = await lab.run('up', [example]);
    expect(again.code).toBe(2);
    expect(again.stderr).toContain('LAB_ALREADY_UP');
    expect(await connect(lab, 'demo/frontend-1')).toBe(0);
  });

  test('labs that are not up yet, or whose daemon was killed, are listed as such', async () => {
    await startDaemon(lab.name, [process.execPath, join(import.meta.dirname, '../../src/cli/main.ts')]);
    await second.up(example);
    await kill9(second);
    const { code, stdout } = await bulkhead(['lab', 'list', '-o', 'json']);
    expect(code).toBe(0);
    const labs = JSON.parse(stdout) as LabListItem[];
    const stateOf = ({ name }: TestLab) => labs.find((item) => item.name === name)?.state;
    expect([stateOf(lab), stateOf(second)]).toEqual(['coming up', 'daemon dead']);
    const text = (await bulkhead(['lab', 'list'])).stdout;
    expect(text).toContain(`bulkhead lab down --name ${second.name}\n`);
    expect(text).not.toContain(`bulkhead lab down --name ${lab.name}\n`);
  });

  test('two labs with equal addresses do not meet', async () => {
    await Promise.all([lab.up(example), second.up(example)]);
    await second.json('delete', ['-f', `${example}/app.yaml`]);
    expect((await second.status()).pods.map(({ name }) => name)).toEqual(['kube-system/coredns-1']);
    expect(await connect(lab, 'demo/frontend-1')).toBe(0);
    expect(await connect(lab, 'demo/visitor')).toBe(timedOut);
    await second.down();
    expect(describeDifferences(await lab.probe())).toEqual([]);
  });

  test.each(['ipv6', 'dual'])('packets agree with policies over %s', async (family) => {
    await lab.up(example, '--ip-family', family, '--nodes', '3');
    const report = await lab.probe();
    expect(describeDifferences(report)).toEqual([]);
    expect(new Set(report.cells.map((cell) => cell.family))).toEqual(
      new Set(family === 'dual' ? [4, 6] : [6]),
    );
    expect(await connect(lab, 'demo/frontend-1')).toBe(0);
  });

  test('bad manifests start nothing', async () => {
    const run = await lab.run('up', ['-'], 'apiVersion: v1\nkind: Pod\nmetadata: {name: BAD_NAME}\n');
    expect(run.code).toBe(2);
    expect(traces(lab)).toEqual([]);
  });
});

function exitCode(command: string, args: readonly string[]): number {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return 0;
  } catch (error) {
    return (error as { status: number }).status;
  }
}

/** Ids of all BPF links of the machine: none of ours may stay. */
function linkIds(): number[] {
  const nextId = openLibbpf().func('int bpf_link_get_next_id(uint32_t start, _Out_ uint32_t *next)');
  const ids: number[] = [];
  const next = [0];
  while (nextId(ids.at(-1) ?? 0, next) === 0) ids.push(next[0] ?? 0);
  return ids;
}
