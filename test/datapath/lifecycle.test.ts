/** What is enforced outlives whoever set it up, and is replaced without a moment in between. */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDatapath } from '../../src/agent/node-datapath.ts';
import { OpenedDatapath } from '../../src/agent/opened-datapath.ts';
import type { Datapath } from '../../src/datapath/datapath.ts';
import { detachEbpfDatapath, openEbpfDatapath } from '../../src/datapath/ebpf/ebpf-datapath.ts';
import { unmountAll } from '../../src/kernel/mount.ts';
import { inNetns } from '../../src/kernel/netns.ts';
import { receive, udpSocket } from '../../src/kernel/socket.ts';
import { Conversation, until } from './conversation.ts';
import { rules, world, worldDelta } from './guard-world.ts';
import { isRoot, objectPath, testCapacity } from './kernel-tables.ts';
import { TestNetwork } from './test-network.ts';

const here = import.meta.dirname;
const allowedPort = 53;
const deniedPort = 54;

describe.skipIf(!isRoot)('[root] life of the programs', () => {
  let network: TestNetwork;
  let children: ChildProcess[] = [];
  let receivers: { allowed: number; denied: number };

  beforeEach(() => {
    network = new TestNetwork();
    receivers = {
      allowed: udpSocket(network.pod('server'), undefined, allowedPort),
      denied: udpSocket(network.pod('server'), undefined, deniedPort),
    };
  });
  afterEach(() => {
    for (const child of children) child.kill('SIGKILL');
    children = [];
    closeSync(receivers.allowed);
    closeSync(receivers.denied);
    detachEbpfDatapath({ netns: network.node, pinDir: network.pinDir });
    network.remove();
  });

  /** A child process of this directory that says when it is ready. */
  const start = async (script: string, ...args: string[]): Promise<ChildProcess> => {
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', `${here}/${script}`, ...args],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    children.push(child);
    await once(child.stdout, 'data');
    return child;
  };
  const flood = (): Promise<ChildProcess> =>
    start('flood.ts', network.pod('client'), world[4].server.text, String(allowedPort), String(deniedPort));
  const kill = async (child: ChildProcess): Promise<void> => {
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  };
  const openOwn = (): Datapath =>
    openEbpfDatapath({ netns: network.node, pinDir: network.pinDir, objectPath, capacity: testCapacity });
  const pins = (): string[] => (existsSync(network.pinDir) ? readdirSync(network.pinDir).sort() : []);
  const arrived = (fd: number): number => {
    let count = 0;
    while (receive(fd, Buffer.alloc(64)) > 0) count += 1;
    return count;
  };
  const ruleset = (): string =>
    inNetns(network.node, () => spawnSync('nft', ['list', 'ruleset'], { encoding: 'utf8' }).stdout);
  const send = (port: number): void => {
    const conversation = Conversation.udp(network.pod('client'), world[4].server, port);
    conversation.say('x');
    conversation.close();
  };

  test('what is pinned is for root alone', () => {
    const datapath = openOwn();
    try {
      datapath.apply(worldDelta);
      const generation = join(network.pinDir, pins()[0] ?? '');
      const modes = readdirSync(generation).map((name) => {
        const { mode, uid } = statSync(join(generation, name));
        return { name, uid, othersMay: mode & 0o077 };
      });
      expect(modes.length).toBeGreaterThan(0);
      expect(modes.filter(({ uid, othersMay }) => uid !== 0 || othersMay !== 0)).toEqual([]);
    } finally {
      datapath.close();
    }
  });

  test('a killed process leaves its policy in force', async () => {
    const holder = await start('hold-datapath.ts', network.node, network.pinDir);
    await kill(holder);
    send(deniedPort);
    send(allowedPort);
    await until(() => arrived(receivers.allowed) === 1);
    expect(arrived(receivers.denied)).toBe(0);
    expect(pins()).toEqual(['1']);
  });

  test('a successor takes over without one packet that either would deny', async () => {
    const holder = await start('hold-datapath.ts', network.node, network.pinDir);
    await flood();
    await until(() => arrived(receivers.allowed) > 0);
    await kill(holder);
    for (const generation of ['2', '3', '4']) {
      const successor = openOwn();
      successor.apply(worldDelta);
      expect(pins()).toEqual([generation]);
      await until(() => successor.counters().reasons['default-deny'].denied.packets > 10n);
      await until(() => arrived(receivers.allowed) > 0);
      successor.close();
    }
    expect(arrived(receivers.denied)).toBe(0);
  });

  test('a successor whose first change is refused leaves its predecessor alone', async () => {
    const holder = await start('hold-datapath.ts', network.node, network.pinDir);
    await kill(holder);
    const successor = openEbpfDatapath({
      netns: network.node,
      pinDir: network.pinDir,
      objectPath,
      capacity: { ...testCapacity, ports: 1 },
    });
    expect(() => {
      successor.apply(worldDelta);
    }).toThrow(expect.objectContaining({ code: 'DATAPATH_FULL' }));
    successor.close();
    expect(pins()).toEqual(['1']);
    send(deniedPort);
    send(allowedPort);
    await until(() => arrived(receivers.allowed) === 1);
    expect(arrived(receivers.denied)).toBe(0);
  });

  test('when the programs can not be attached nothing is in force, and the next try goes through', async () => {
    const netns = `${network.bpffs}-netns`;
    symlinkSync(network.node, netns);
    const datapath = openEbpfDatapath({ netns, pinDir: network.pinDir, objectPath, capacity: testCapacity });
    unlinkSync(netns);
    expect(() => {
      datapath.apply(worldDelta);
    }).toThrow(expect.objectContaining({ code: 'DATAPATH_ATTACH_FAILED' }));
    expect(pins()).toEqual([]);
    send(deniedPort);
    await until(() => arrived(receivers.denied) === 1);
    symlinkSync(network.node, netns);
    // Less than what failed: nothing of that may be left to add to it.
    const { add } = worldDelta;
    const ofClass = add.ports.find(({ rule }) => rule === rules.udp53)?.class;
    const [ofIt, others] = [true, false].map((isOfIt) => ({
      ports: add.ports.filter((row) => (row.class === ofClass) === isOfIt),
      classes: add.classes.filter((row) => (row.class === ofClass) === isOfIt),
    }));
    if (!ofIt || !others) throw new Error('no class');
    datapath.apply({ ...worldDelta, add: others });
    unlinkSync(netns);
    send(allowedPort);
    await until(() => datapath.counters().reasons['default-deny'].denied.packets > 0n);
    datapath.apply({
      add: ofIt,
      stage: { addresses: [], cidrs: [] },
      sweep: { ports: [], classes: [] },
    });
    send(deniedPort);
    send(allowedPort);
    await until(() => arrived(receivers.allowed) === 1);
    expect(arrived(receivers.denied)).toBe(0);
    datapath.close();
  });

  test('what can not be opened holds nothing', () => {
    const held = (): string[] => readdirSync('/proc/self/fd');
    const open = (): Datapath =>
      openEbpfDatapath({
        netns: network.node,
        pinDir: network.pinDir,
        objectPath,
        capacity: { ...testCapacity, rules: 2 ** 27 },
      });
    expect(open).toThrow(expect.objectContaining({ code: 'BPF_LOAD_FAILED' }));
    const before = held();
    for (let round = 0; round < 3; round++) expect(open).toThrow('BPF_LOAD_FAILED');
    expect(held()).toEqual(before);
  });

  test('of two that open at once the later succeeds the earlier, and nothing is open in between', async () => {
    const [first, second] = [openOwn(), openOwn()];
    first.apply(worldDelta);
    second.apply(worldDelta);
    expect(pins()).toEqual(['2']);
    send(deniedPort);
    send(allowedPort);
    await until(() => arrived(receivers.allowed) === 1);
    expect(arrived(receivers.denied)).toBe(0);
    first.close();
    second.close();
  });

  test('a datapath that is opened anew judges until the next does, though its file system is gone', async () => {
    const { node: netns, bpffs, pinDir } = network;
    const opened = new OpenedDatapath(
      () => openDatapath({ engine: 'ebpf', netns, bpffs, pinDir }),
      undefined,
      () => new Map(),
    );
    try {
      opened.apply(worldDelta);
      await flood();
      await until(() => arrived(receivers.allowed) > 0);
      unmountAll(bpffs);
      opened.openAnew();
      await until(() => arrived(receivers.allowed) > 0);
      opened.apply(worldDelta);
      await until(() => arrived(receivers.allowed) > 0);
      expect(arrived(receivers.denied)).toBe(0);
    } finally {
      opened.close();
    }
  });

  test('half a generation, as a process that dies while it attaches leaves it, is cleared away', async () => {
    await kill(await start('hold-datapath.ts', network.node, network.pinDir));
    for (const name of ['link_forward6', 'link_local_in4', 'link_local_in6', 'ports'])
      unlinkSync(`${network.pinDir}/1/${name}`);
    const successor = openOwn();
    successor.apply(worldDelta);
    expect(pins()).toEqual(['2']);
    successor.close();
  });

  test('detaching takes everything away', async () => {
    const datapath = openOwn();
    datapath.apply(worldDelta);
    expect(ruleset()).toContain('bulkhead-conntrack');
    datapath.detach();
    expect(pins()).toEqual([]);
    expect(ruleset()).toBe('');
    send(deniedPort);
    await until(() => arrived(receivers.denied) === 1);
  });

  test('a pin directory outside a BPF file system is refused', () => {
    const pinDir = mkdtempSync(join(tmpdir(), 'bulkhead-test-'));
    try {
      expect(() => openEbpfDatapath({ netns: network.node, pinDir, objectPath })).toThrow(
        expect.objectContaining({ code: 'DATAPATH_PIN_DIRECTORY' }),
      );
    } finally {
      rmSync(pinDir, { recursive: true });
    }
  });
});
