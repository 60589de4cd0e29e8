/** What is enforced outlives whoever set it up, and is taken over without a moment in between. */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Delta } from '../../../src/compiler/tables.ts';
import type { Datapath } from '../../../src/datapath/datapath.ts';
import { hasNftablesTable, openNftablesDatapath } from '../../../src/datapath/nftables/nftables-datapath.ts';
import { inNetns } from '../../../src/kernel/netns.ts';
import { receive, udpSocket } from '../../../src/kernel/socket.ts';
import { Conversation, until } from '../conversation.ts';
import { world, worldDelta } from '../guard-world.ts';
import { isRoot } from '../kernel-tables.ts';
import { renumbered } from '../renumbered.ts';
import { TestNetwork } from '../test-network.ts';

const scripts = join(import.meta.dirname, '..');
const allowedPort = 53;
const deniedPort = 54;

/** Without the pod that has no policy, and another rule for the server. */
function changed({ add, stage, sweep }: Delta): Delta {
  const gone = [world[4].open.text, world[6].open.text];
  return {
    add,
    stage: {
      ...stage,
      addresses: stage.addresses.filter((row) => !row.addresses.some(({ text }) => gone.includes(text))),
    },
    sweep,
  };
}

describe.skipIf(!isRoot)('[root] life of the table', () => {
  let network: TestNetwork;
  let children: ChildProcess[] = [];
  let opened: Datapath[] = [];
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
    for (const datapath of opened) datapath.close();
    children = [];
    opened = [];
    closeSync(receivers.allowed);
    closeSync(receivers.denied);
    network.remove();
  });

  /** A child process that says when it is ready. */
  const start = async (script: string, ...args: string[]): Promise<ChildProcess> => {
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', join(scripts, script), ...args],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    children.push(child);
    await once(child.stdout, 'data');
    return child;
  };
  const flood = (): Promise<ChildProcess> =>
    start('flood.ts', network.pod('client'), world[4].server.text, String(allowedPort), String(deniedPort));
  const killedHolder = async (): Promise<void> => {
    const child = await start('hold-datapath.ts', network.node, network.pinDir, 'nftables');
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  };
  const open = (options: Partial<Parameters<typeof openNftablesDatapath>[0]> = {}): Datapath => {
    const datapath = openNftablesDatapath({ netns: network.node, ...options });
    opened.push(datapath);
    return datapath;
  };
  const arrived = (fd: number): number => {
    let count = 0;
    while (receive(fd, Buffer.alloc(64)) > 0) count += 1;
    return count;
  };
  const nft = (...args: string[]): string =>
    inNetns(network.node, () => spawnSync('nft', args, { encoding: 'utf8' }).stdout);
  /** The kernel gives each table that is made a number of its own. */
  const tableHandle = (): string =>
    /^table inet bulkhead \{ # handle (\d+)/m.exec(nft('-a', 'list', 'table', 'inet', 'bulkhead'))?.[1] ?? '';
  const elementsOf = (kind: string, name: string): string => nft('list', kind, 'inet', 'bulkhead', name);
  const send = (port: number): void => {
    const conversation = Conversation.udp(network.pod('client'), world[4].server, port);
    conversation.say('x');
    conversation.close();
  };
  const expectEnforced = async (): Promise<void> => {
    arrived(receivers.allowed);
    send(deniedPort);
    send(allowedPort);
    await until(() => arrived(receivers.allowed) === 1);
    expect(arrived(receivers.denied)).toBe(0);
  };

  test('a killed process leaves its policy in force', async () => {
    await killedHolder();
    await expectEnforced();
  });

  test('a successor with the same tables takes the table over, without one packet that it would deny', async () => {
    await killedHolder();
    const handle = tableHandle();
    await flood();
    await until(() => arrived(receivers.allowed) > 0);
    for (let successor = 0; successor < 3; successor++) {
      const datapath = open();
      datapath.apply(worldDelta);
      expect(tableHandle()).toBe(handle);
      await until(() => datapath.counters().reasons['default-deny'].denied.packets > 10n);
      await until(() => arrived(receivers.allowed) > 0);
      if (successor === 1) datapath.sweep();
      datapath.close();
      opened.pop();
    }
    expect(arrived(receivers.denied)).toBe(0);
  });

  test('what its predecessor counted is not its own', async () => {
    await killedHolder();
    send(deniedPort);
    await until(() =>
      nft('list', 'counter', 'inet', 'bulkhead', 'denied-default-deny').includes('packets 1 '),
    );
    const datapath = open();
    datapath.apply(worldDelta);
    send(allowedPort);
    await until(() => arrived(receivers.allowed) === 1);
    const { reasons } = datapath.counters();
    expect(reasons['default-deny'].denied).toEqual({ packets: 0n, bytes: 0n });
    expect(reasons.rule.allowed.packets).toBe(1n);
  });

  test('a successor that knows better changes what is different, and clears away the rest', async () => {
    await killedHolder();
    const handle = tableHandle();
    const datapath = open();
    datapath.apply(changed(worldDelta));
    datapath.sweep();
    expect(tableHandle()).toBe(handle);
    for (const map of ['identity4-0', 'identity4-1', 'egress6-0', 'egress6-1'])
      expect(elementsOf('map', map)).not.toMatch(/10\.0\.0\.3|fd00::3/);
    for (const map of ['identity4-0', 'identity4-1']) expect(elementsOf('map', map)).toContain('10.0.0.2');
    await expectEnforced();
  });

  test('a successor to whom the ids mean something else makes the table anew, under traffic', async () => {
    await killedHolder();
    const handle = tableHandle();
    await flood();
    await until(() => arrived(receivers.allowed) > 0);
    const datapath = open();
    datapath.apply(renumbered(worldDelta));
    expect(tableHandle()).not.toBe(handle);
    await until(() => datapath.counters().reasons['default-deny'].denied.packets > 10n);
    await until(() => arrived(receivers.allowed) > 0);
    expect(arrived(receivers.denied)).toBe(0);
  });

  test('a stand-in that was left behind judges until a successor has put its own table in place', async () => {
    nft('add', 'table', 'inet', 'bulkhead-stand-in');
    nft('add', 'chain', 'inet', 'bulkhead-stand-in', 'forward', '{ type filter hook forward priority 10; }');
    nft('add', 'rule', 'inet', 'bulkhead-stand-in', 'forward', 'drop');
    expect(hasNftablesTable(network.node)).toBe(true);
    const datapath = open();
    send(allowedPort);
    expect(arrived(receivers.allowed)).toBe(0);
    datapath.apply(worldDelta);
    expect(nft('list', 'tables')).not.toContain('stand-in');
    await expectEnforced();
  });

  test('a successor with other options makes the table anew', async () => {
    await killedHolder();
    const handle = tableHandle();
    open({ events: false }).apply(worldDelta);
    expect(tableHandle()).not.toBe(handle);
    await expectEnforced();
  });

  test('a successor whose first change is refused leaves its predecessor alone', async () => {
    await killedHolder();
    const handle = tableHandle();
    const datapath = open({ capacity: { ports: 1 } });
    expect(() => {
      datapath.apply(worldDelta);
    }).toThrow(expect.objectContaining({ code: 'DATAPATH_FULL' }));
    expect(tableHandle()).toBe(handle);
    await expectEnforced();
  });

  test('of two that open at once the later takes over, and the first can change nothing any more', async () => {
    const [first, second] = [open(), open()];
    first.apply(worldDelta);
    second.apply(renumbered(worldDelta));
    await expectEnforced();
    const openPod = worldDelta.stage.addresses
      .slice(2, 3)
      .map(({ addresses, to }) => ({ addresses, ...(to ? { from: to } : {}) }));
    expect(() => {
      first.apply({
        ...worldDelta,
        add: { ports: [], classes: [] },
        stage: { addresses: openPod, cidrs: [] },
      });
    }).toThrow(expect.objectContaining({ code: 'NFTABLES_REFUSED' }));
    await expectEnforced();
  });

  test('detaching takes everything away', async () => {
    const datapath = open();
    datapath.apply(worldDelta);
    expect(nft('list', 'tables')).toBe('table inet bulkhead-guard\ntable inet bulkhead\n');
    datapath.detach();
    opened.pop();
    expect(nft('list', 'ruleset')).toBe('');
    send(deniedPort);
    await until(() => arrived(receivers.denied) === 1);
  });

  test('a table that somebody else has taken away can be made again', async () => {
    const datapath = open();
    datapath.apply(worldDelta);
    nft('delete', 'table', 'inet', 'bulkhead');
    expect(() => {
      datapath.apply(changed(worldDelta));
    }).toThrow(expect.objectContaining({ code: 'NFTABLES_REFUSED' }));
    open().apply(worldDelta);
    await expectEnforced();
  });

  test('the whole ruleset can be listed, with rules of others beside ours', () => {
    nft('add', 'table', 'ip', 'others');
    open({ podInterfacePrefix: 'bhpod' }).apply(worldDelta);
    const listed = nft('list', 'ruleset');
    expect(listed).toContain('table ip others');
    expect(listed).toContain('class by identity, entry by port');
    expect(listed).toContain('log prefix "bulkhead deny egress default-deny" group 2410');
  });
});
