import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Epoll, readable, writable } from '../../src/kernel/epoll.ts';
import { createNetns, deleteNetns, inNetns } from '../../src/kernel/netns.ts';
import { raiseOpenFileLimit } from '../../src/kernel/open-files.ts';
import {
  beginConnect,
  openSocket,
  receive,
  send,
  socketError,
  tcpConnect,
  tcpListener,
  udpSocket,
} from '../../src/kernel/socket.ts';
import { parseAddress, type Address } from '../../src/objects/ip.ts';

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (!parsed) throw new Error(`${text} is no address`);
  return parsed;
}

/** Clients that hang up with data unread reset the connection. */
const ignore = (): void => undefined;

describe.skipIf(process.getuid?.() !== 0)('[root] sockets in a namespace', () => {
  const directory = mkdtempSync(`${tmpdir()}/bulkhead-socket-`);
  const netns = `${directory}/netns`;

  beforeAll(() => {
    createNetns(netns, () => spawnSync('ip', ['link', 'set', 'lo', 'up']));
  });
  afterAll(() => {
    deleteNetns(netns);
    rmSync(directory, { recursive: true });
  });

  test.each(['127.0.0.1', '::1'])(
    'Node.js serves TCP on a listener of all addresses, and connects to %s',
    async (to) => {
      const server = createServer((client) => client.on('error', ignore).end('hello')).listen({
        fd: tcpListener(netns, undefined, 8080),
      });
      const fd = tcpConnect(netns, { address: address(to), port: 8080 });
      while (socketError(fd) !== 0) await sleep(1);
      const client = new Socket({ fd, readable: true });
      const [data] = (await once(client, 'data')) as [Buffer];
      expect(data.toString()).toBe('hello');
      client.destroy();
      server.close();
    },
  );

  test.each(['127.0.0.1', '::1'])('Node.js serves UDP on a socket of %s', async (at) => {
    const served = address(at);
    const server = createSocket(served.family === 4 ? 'udp4' : 'udp6').bind({
      fd: udpSocket(netns, served, 5353),
    });
    server.on('message', (message, from) =>
      server.send(`${message.toString()} back`, from.port, from.address),
    );
    const fd = inNetns(netns, () => openSocket('UDP', served.family));
    expect(beginConnect(fd, { address: served, port: 5353 })).toBe(0);
    expect(send(fd, Buffer.from('there'))).toBe(5);
    const buffer = Buffer.alloc(64);
    let received = receive(fd, buffer);
    while (received < 0) {
      await sleep(1);
      received = receive(fd, buffer);
    }
    expect(buffer.toString('utf8', 0, received)).toBe('there back');
    closeSync(fd);
    server.close();
  });

  test('a listener of a namespace is not on the host', async () => {
    const fd = tcpListener(netns, undefined, 18_080);
    const outside = new Socket();
    outside.connect(18_080, '127.0.0.1');
    const [error] = (await once(outside, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNREFUSED');
    closeSync(fd);
  });

  test('failures name the call and the reason, and leak no descriptor', () => {
    const fd = tcpListener(netns, address('127.0.0.1'), 8081);
    for (let times = 0; times < 3; times++) {
      expect(() => tcpListener(netns, address('127.0.0.1'), 8081)).toThrow(
        /bind to 127\.0\.0\.1 port 8081.*EADDRINUSE/,
      );
    }
    expect(() => udpSocket(netns, address('192.0.2.77'), 1)).toThrow('EADDRNOTAVAIL');
    const taken = udpSocket(netns, undefined, 8081);
    expect(() => udpSocket(netns, undefined, 8081)).toThrow('EADDRINUSE');
    closeSync(taken);
    expect(() => tcpConnect(netns, { address: address('192.0.2.77'), port: 1 })).toThrow('ENETUNREACH');
    closeSync(fd);
    const next = tcpListener(netns, address('127.0.0.1'), 8081);
    expect(next).toBe(fd);
    closeSync(next);
  });

  test('epoll tells of connections, refusals and data, by token', async () => {
    const server = createServer((client) => client.on('error', ignore).end('x')).listen({
      fd: tcpListener(netns, undefined, 8082),
    });
    const epoll = new Epoll(8);
    const [good, bad] = inNetns(netns, () => [openSocket('TCP', 4), openSocket('TCP', 4)] as const);
    beginConnect(good, { address: address('127.0.0.1'), port: 8082 });
    beginConnect(bad, { address: address('127.0.0.1'), port: 1 });
    epoll.add(good, writable, 7);
    epoll.add(bad, writable, 4_000_000_000);
    const seen = new Map<number, number>();
    while (seen.size < 2) {
      epoll.poll((token) => seen.set(token, socketError(token === 7 ? good : bad)));
      await sleep(1);
    }
    expect(seen).toEqual(
      new Map([
        [7, 0],
        [4_000_000_000, 111],
      ]),
    );
    epoll.change(good, readable, 8);
    closeSync(bad);
    const tokens: number[] = [];
    while (tokens.length === 0) {
      epoll.poll((token) => tokens.push(token));
      await sleep(1);
    }
    expect(tokens).toEqual([8]);
    closeSync(good);
    expect(epoll.poll(() => undefined)).toBe(0);
    epoll.close();
    server.close();
  });
});

test('the limit of open files is raised to what is allowed', () => {
  const limit = raiseOpenFileLimit();
  expect(limit).toBe(raiseOpenFileLimit());
  const soft = spawnSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).stdout.trim();
  expect(String(limit)).toBe(soft);
});
