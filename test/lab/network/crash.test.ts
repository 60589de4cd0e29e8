import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { mountFileSystem } from '../../../src/kernel/mount.ts';
import { inNetns, netnsIdentity } from '../../../src/kernel/netns.ts';
import { destroyLab, listLabs } from '../../../src/lab/network/destroy.ts';
import { labPrefix, netnsPath, podNetns, worldNetns } from '../../../src/lab/network/names.ts';
import { probeAll } from '../../../src/lab/network/prober.ts';
import { reconcileNetwork } from '../../../src/lab/network/reconcile.ts';
import type { Cluster } from '../../../src/objects/model.ts';
import { announce } from './announce.ts';
import { address, manyPods } from './small-cluster.ts';

const runLab = new URL('run-lab.ts', import.meta.url).pathname;
const labs = ['one', 'two'].map((name) => `crash-${process.pid}-${name}`);
const [lab = '', other = ''] = labs;

/** Everything on the machine that has to do with a lab. */
function traces(name: string): string[] {
  const named = (directory: string): string[] =>
    existsSync(directory) ? readdirSync(directory).filter((entry) => entry.startsWith(labPrefix(name))) : [];
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(`/${labPrefix(name)}`));
  const directory = `/run/bulkhead/labs/${name}`;
  return [
    ...named('/run/netns'),
    ...named('/etc/netns'),
    ...mounts,
    ...(existsSync(directory) ? [directory] : []),
  ];
}

/** Pods of a small set all reach each other by both families: nothing is missing, stale or doubled. */
async function expectWhole(name: string, cluster: Cluster): Promise<void> {
  const pods = [...cluster.pods.values()];
  const stops = pods.map((pod) => announce({ netns: podNetns(name, pod), name: pod.name, port: 8080 }));
  const probes = pods.flatMap((from) =>
    pods.flatMap((to) =>
      to.addresses.map((destination) => ({
        netnsPath: netnsPath(podNetns(name, from)),
        destination,
        protocol: 'TCP' as const,
        port: 8080,
        answer: `${to.name} sees ${from.addresses.find(({ family }) => family === destination.family)?.text}`,
      })),
    ),
  );
  const results = await probeAll(probes, { timeoutMs: 10_000 });
  for (const stop of stops) stop();
  expect(results).toEqual(probes.map(({ answer }) => ({ outcome: 'open', answer })));
}

function start(...args: string[]): ChildProcess {
  return spawn(process.execPath, [runLab, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Starts changes of an absent lab and ends them some milliseconds after the first has begun to touch the machine. */
async function killedDuringChange(delay: number, ...pods: string[]): Promise<void> {
  const child = start(lab, ...pods);
  while (!existsSync(`/run/bulkhead/labs/${lab}/network.json`)) await sleep(1);
  await sleep(delay);
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** Sleeps in a namespace, as a user's command would. */
function sleepIn(netns: string): ChildProcess {
  return inNetns(netnsPath(netns), () => spawn('sleep', ['600'], { stdio: 'ignore' }));
}

const external = ['8.8.8.8', '2001:4860::8'].map(address);

describe.skipIf(process.getuid?.() !== 0)('[root] a lab and sudden death', () => {
  afterEach(async () => {
    for (const name of labs) await destroyLab(name);
  });

  test.each([0, 8, 20, 50, 100, 200])(
    'killed %i ms into a change: down leaves nothing, and up repairs it',
    async (delay) => {
      await killedDuringChange(delay, '20', '8', '24', '6');
      const cluster = manyPods(6);
      await reconcileNetwork({ lab, cluster, external });
      const names = readdirSync('/run/netns').filter((name) => name.startsWith(labPrefix(lab)));
      expect(names).toHaveLength(9);
      await expectWhole(lab, cluster);

      await destroyLab(lab);
      await killedDuringChange(delay, '20', '3');
      await destroyLab(lab);
      expect(traces(lab)).toEqual([]);
      expect(listLabs()).not.toContain(lab);
    },
  );

  test('two commands on one lab at once come one after the other', async () => {
    const commands = [start(lab, '12', '5'), start(lab, '3', '12', '5')];
    const codes = await Promise.all(commands.map(async (command) => (await once(command, 'exit'))[0]));
    expect(codes).toEqual([0, 0]);
    await expectWhole(lab, manyPods(5));
  });

  test('two labs with the same addresses live side by side, and only the processes of the one that goes down end', async () => {
    const cluster = manyPods(4);
    await Promise.all(labs.map((name) => reconcileNetwork({ lab: name, cluster, external })));
    await Promise.all(labs.map((name) => expectWhole(name, cluster)));

    const pod = [...cluster.pods.values()][0];
    if (!pod) throw new Error('no pod');
    const [mine, others] = labs.map((name) => sleepIn(podNetns(name, pod)));
    expect(netnsIdentity(`/proc/${mine?.pid}/ns/net`)).toBe(netnsIdentity(netnsPath(podNetns(lab, pod))));
    const ended = mine ? once(mine, 'exit') : Promise.reject(new Error('not started'));
    await destroyLab(lab);
    expect((await ended)[1]).toBe('SIGTERM');
    expect(others?.exitCode ?? others?.signalCode).toBeNull();
    expect(traces(lab)).toEqual([]);
    await expectWhole(other, cluster);

    others?.kill();
    await destroyLab(other);
    expect(traces(other)).toEqual([]);
  });

  test('a process that ignores being asked is killed', async () => {
    const cluster = manyPods(1);
    await reconcileNetwork({ lab, cluster, external });
    const [pod] = cluster.pods.values();
    if (!pod) throw new Error('no pod');
    const stubborn = inNetns(netnsPath(podNetns(lab, pod)), () =>
      spawn('sh', ['-c', 'trap "" TERM; echo ready; while :; do sleep 1; done'], {
        stdio: ['ignore', 'pipe', 'ignore'],
      }),
    );
    await once(stubborn.stdout ?? stubborn, 'data');
    const ended = once(stubborn, 'exit');
    await destroyLab(lab);
    expect((await ended)[1]).toBe('SIGKILL');
  });

  test('a name of the lab that stands for our own namespace costs nobody there their life', async () => {
    await reconcileNetwork({ lab, cluster: manyPods(1), external });
    // What calls itself the lab's world is, to the one that takes it down, its own namespace: as the machine's is to us.
    const world = worldNetns(lab);
    const [bystander, remover] = inNetns(netnsPath(world), () => [
      spawn('sleep', ['600'], { stdio: 'ignore' }),
      spawn(process.execPath, [new URL('remove-world.ts', import.meta.url).pathname, world], {
        stdio: 'inherit',
      }),
    ]);
    expect((await once(remover, 'exit'))[0]).toBe(0);
    expect(traces(lab).filter((trace) => trace === world)).toEqual([]);
    expect(bystander.exitCode ?? bystander.signalCode).toBeNull();
    bystander.kill();
  });

  test('what is mounted in the directory of a lab goes with it', async () => {
    await reconcileNetwork({ lab, cluster: manyPods(1), external });
    const directory = `/run/bulkhead/labs/${lab}/with space`;
    mkdirSync(directory);
    mountFileSystem('tmpfs', directory);
    mkdirSync(`${directory}/deeper`);
    mountFileSystem('tmpfs', `${directory}/deeper`);
    await destroyLab(lab);
    expect(traces(lab)).toEqual([]);
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(`/${lab}/`);
  });

  test('pods that go take their processes with them, and the others stay as they are', async () => {
    await reconcileNetwork({ lab, cluster: manyPods(4), external });
    const [stays = '', goes = ''] = ['shop/pod-0', 'shop/pod-3'].map((key) => {
      const pod = manyPods(4).pods.get(key);
      return pod ? podNetns(lab, pod) : '';
    });
    const before = netnsIdentity(netnsPath(stays));
    const [kept, ended] = [sleepIn(stays), sleepIn(goes)];
    const end = once(ended, 'exit');
    const change = await reconcileNetwork({ lab, cluster: manyPods(3), external });
    expect(change).toEqual({ created: [], removed: [goes] });
    expect((await end)[1]).toBe('SIGTERM');
    expect(netnsIdentity(netnsPath(stays))).toBe(before);
    expect(readlinkSync(`/proc/${kept.pid}/ns/net`)).toContain(before.split(':')[1]);
    await expectWhole(lab, manyPods(3));
    // The same name again at once: the old link must be gone by then.
    expect(await reconcileNetwork({ lab, cluster: manyPods(4), external })).toEqual({
      created: [goes],
      removed: [],
    });
    await expectWhole(lab, manyPods(4));
    expect(await reconcileNetwork({ lab, cluster: manyPods(4), external })).toEqual({
      created: [],
      removed: [],
    });
    kept.kill();
  });
});
