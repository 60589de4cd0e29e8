/** TCP and UDP between namespaces, as plainly as a test can read it: descriptors and polling. */
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { inNetns } from '../../src/kernel/netns.ts';
import { beginConnect, openSocket, receive, send, tcpConnect, tcpListener } from '../../src/kernel/socket.ts';
import type { Address } from '../../src/objects/ip.ts';

/** Waits until the condition holds; the test's own timeout ends it. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(2);
}

/** An echo server on all addresses of a namespace. */
export async function echoServer(netns: string, port: number): Promise<Server> {
  const server = createServer((connection) => {
    connection.on('error', () => undefined).pipe(connection);
  });
  server.listen({ fd: tcpListener(netns, undefined, port) });
  await once(server, 'listening');
  return server;
}

export class Conversation {
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(1024);

  constructor(fd: number) {
    this.#fd = fd;
  }

  static tcp(netns: string, address: Address, port: number): Conversation {
    return new Conversation(tcpConnect(netns, { address, port }));
  }

  static udp(netns: string, address: Address, port: number): Conversation {
    return inNetns(netns, () => {
      const fd = openSocket('UDP', address.family);
      beginConnect(fd, { address, port });
      return new Conversation(fd);
    });
  }

  /** 0 once connected, else the negative errno: EAGAIN while it is tried. */
  get state(): number {
    return send(this.#fd, new Uint8Array());
  }

  get connected(): boolean {
    return this.state === 0;
  }

  get refused(): boolean {
    return this.state === -constants.errno.ECONNREFUSED;
  }

  say(text: string | Uint8Array): number {
    return send(this.#fd, typeof text === 'string' ? Buffer.from(text) : text);
  }

  /** What has come since; empty if nothing. */
  heard(): string {
    const received = receive(this.#fd, this.#buffer);
    return received > 0 ? this.#buffer.toString('utf8', 0, received) : '';
  }

  async hears(text: string): Promise<void> {
    let heard = '';
    await until(() => {
      heard += this.heard();
      return heard.includes(text);
    });
  }

  close(): void {
    closeSync(this.#fd);
  }
}
