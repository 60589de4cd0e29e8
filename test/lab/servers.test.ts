import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { tcpListener, udpSocket } from '../../src/kernel/socket.ts';
import { Servers, type Endpoint } from '../../src/lab/servers.ts';

const namespace = '/proc/self/ns/net';
const loopback = { family: 4, bits: 0x7f000001n, text: '127.0.0.1' } as const;
// High, and of this process alone.
const port = 20_000 + (process.pid % 10_000);

const endpoint = (protocol: 'TCP' | 'UDP', line: string): Endpoint => ({
  namespace,
  protocol,
  port,
  address: loopback,
  line,
});

/** Entering even one's own namespace takes root. */
describe.skipIf(process.geteuid?.() !== 0)('[root] servers', () => {
  const servers = new Servers(({ namespace: netns, protocol, address, port: number }) =>
    protocol === 'TCP' ? tcpListener(netns, address, number) : udpSocket(netns, address, number),
  );
  afterEach(() => servers.close());

  test('a TCP server answers each message, and greets who says nothing', async () => {
    servers.start([endpoint('TCP', 'shop/cart TCP 80')]);
    expect(await talk('hello\n')).toBe('shop/cart TCP 80\n');
    expect(await talk('')).toBe('shop/cart TCP 80\n');
  });

  test('a TCP server speaks HTTP to who speaks it', async () => {
    servers.start([endpoint('TCP', 'shop/cart TCP 80')]);
    const response = await fetch(`http://127.0.0.1:${port}/path`);
    expect([response.status, await response.text()]).toEqual([200, 'shop/cart TCP 80, you are 127.0.0.1\n']);
    const head = await fetch(`http://127.0.0.1:${port}/path`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  test('a TCP server that had no time to hear its client does not greet it', async () => {
    servers.start([endpoint('TCP', 'shop/cart TCP 80')]);
    const socket = connect(port, '127.0.0.1');
    const heard: string[] = [];
    socket.on('data', (data) => heard.push(data.toString()));
    await new Promise((resolve) => socket.once('connect', resolve));
    await new Promise((resolve) => setTimeout(resolve, 20));
    // After this come timers, and sockets after them.
    await new Promise((resolve) => setImmediate(resolve));
    const end = performance.now() + 400;
    while (performance.now() < end);
    socket.write('GET / HTTP/1.1\r\n\r\n');
    await new Promise((resolve) => socket.once('close', resolve));
    expect(heard.join('')).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });

  test('a UDP server answers each datagram', async () => {
    servers.start([endpoint('UDP', 'shop/dns UDP 53')]);
    const socket = createSocket('udp4');
    const answer = await new Promise<string>((resolve) => {
      socket.on('message', (message) => resolve(message.toString()));
      socket.send('x', port, '127.0.0.1');
    });
    socket.close();
    expect(answer).toBe('shop/dns UDP 53\n');
  });

  test('a UDP server leaves what another one says unanswered', async () => {
    servers.start([endpoint('UDP', 'shop/dns UDP 53')]);
    const [other, client] = [createSocket('udp4'), createSocket('udp4')];
    const answers: string[] = [];
    other.on('message', (message) => answers.push(message.toString()));
    await new Promise((resolve) => other.send('shop/cart UDP 5000\n', port, '127.0.0.1', resolve));
    await new Promise((resolve) => {
      client.on('message', resolve);
      client.send('x', port, '127.0.0.1');
    });
    // The server has had both by now, and the first one's answer would be here.
    await new Promise((resolve) => setTimeout(resolve, 10));
    other.close();
    client.close();
    expect(answers).toEqual([]);
  });

  test('only what is wanted runs, and a server that goes takes its connections along', async () => {
    const [tcp, udp] = [endpoint('TCP', 'a TCP 1'), endpoint('UDP', 'a UDP 1')];
    servers.start([tcp, udp, { ...tcp, line: 'second at the same place' }]);
    expect(servers.size).toBe(2);
    const socket = connect(port, '127.0.0.1');
    await new Promise((resolve) => socket.once('data', resolve));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    servers.retain([udp]);
    await closed;
    expect(servers.size).toBe(1);
    await expect(talk('x')).rejects.toThrow('ECONNREFUSED');
    servers.retain([udp], new Set([namespace]));
    expect(servers.size).toBe(0);
  });
});

async function talk(message: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  try {
    return await new Promise<string>((resolve, reject) => {
      socket.on('data', (data) => resolve(data.toString()));
      socket.on('error', reject);
      if (message !== '') socket.write(message);
    });
  } finally {
    socket.destroy();
  }
}
