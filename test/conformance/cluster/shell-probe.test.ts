/** By a real bash, to real servers. */
import { spawn, spawnSync } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  probeCommand,
  readOutcomes,
  type ShellOutcome,
  type ShellProbe,
} from '../../../src/conformance/cluster/shell-probe.ts';

let web: HttpServer;
let mute: Server;
let answering: Socket;
let silent: Socket;
const port = (server: { address: () => unknown }): number => (server.address() as AddressInfo).port;

beforeAll(async () => {
  web = createHttpServer((request, response) => response.end(request.url === '/hostname' ? 'x-a' : '?'));
  mute = createServer(() => undefined);
  answering = createSocket('udp4', (_, { port: to, address }) => answering.send('x-a', to, address));
  silent = createSocket('udp4');
  for (const server of [web, mute]) await once(server.listen(0, '127.0.0.1'), 'listening');
  for (const socket of [answering, silent]) await once(socket.bind(0, '127.0.0.1'), 'listening');
});

afterAll(() => {
  web.close();
  mute.close();
  answering.close();
  silent.close();
});

async function ask(probes: readonly ShellProbe[], timeoutMs: number): Promise<readonly ShellOutcome[]> {
  const [program = '', ...args] = probeCommand(probes, timeoutMs);
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
  expect(await once(child, 'close')).toEqual([0, null]);
  return readOutcomes(probes, output);
}

const to = (protocol: ShellProbe['protocol'], number: number): ShellProbe => {
  return { protocol, address: '127.0.0.1', port: number };
};

test('tells answers, refusals and silence apart, and who answered', async () => {
  const free = createServer();
  await once(free.listen(0, '127.0.0.1'), 'listening');
  const nobody = port(free);
  free.close();
  await once(free, 'close');
  const probes = [
    to('TCP', port(web)),
    to('TCP', nobody),
    to('UDP', port(answering)),
    to('UDP', port(silent)),
    to('UDP', nobody),
  ];
  expect(await ask(probes, 2000)).toEqual([
    { outcome: 'open', answer: 'x-a' },
    { outcome: 'refused' },
    { outcome: 'open', answer: 'x' },
    { outcome: 'silent' },
    { outcome: 'refused' },
  ]);
});

test('a server that takes the connection and says nothing was reached', async () => {
  expect(await ask([to('TCP', port(mute))], 300)).toEqual([{ outcome: 'open', answer: '' }]);
});

test('what is not reached for another reason than a policy is neither silent nor refused', async () => {
  const [outcome] = await ask([{ protocol: 'TCP', address: '255.255.255.255', port: 80 }], 300);
  expect(outcome?.outcome).toBe('failed');
});

test.skipIf(process.geteuid?.() !== 0)(
  '[root] leaves no process behind, where nobody waits for orphans',
  () => {
    // Refused at once, so that the watchdog is still there at the end.
    const probe = probeCommand([to('TCP', 1)], 5000);
    const script = `const [program, ...args] = process.argv.slice(1);
    require('node:child_process').spawnSync(program, args);
    console.log(require('node:fs').readdirSync('/proc').filter((name) => /^\\d+$/.test(name)).join());`;
    const inside = ['--pid', '--fork', '--mount-proc', process.execPath, '-e', script, '--', ...probe];
    const { stdout } = spawnSync('unshare', inside, { encoding: 'utf8' });
    expect(stdout.trim()).toBe('1');
  },
);
