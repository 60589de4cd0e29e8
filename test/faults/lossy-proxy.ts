/** A proxy in front of an API server, whose connections break in the ways that it is told to. TLS passes through it. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ProxyMode {
  /** What the server says is cut off after so many bytes of each connection. */
  readonly cutAfter?: () => number;
  /** What the server says comes so late, in milliseconds, in pieces of at most `pieceBytes`. */
  readonly delayMs?: number;
  readonly pieceBytes?: number;
  /** Connections are refused. */
  readonly refuses?: true;
}

export class LossyProxy {
  readonly #server: Server;
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  #mode: ProxyMode = {};
  /** Connections that were cut. */
  cuts = 0;

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer((client) => this.#accept(client));
  }

  /** In front of a port of 127.0.0.1. */
  static async start(target: number): Promise<LossyProxy> {
    const proxy = new LossyProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections that stand are cut, new ones are of this mode. */
  become(mode: ProxyMode): void {
    this.#mode = mode;
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.become({ refuses: true });
    await closed;
  }

  #accept(client: Socket): void {
    if (this.#mode.refuses) {
      client.destroy();
      return;
    }
    const server = connect(this.#target, '127.0.0.1');
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(one);
      one.setNoDelay(true);
      one.on('error', () => undefined);
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
    client.pipe(server);
    void this.#pass(server, client, this.#mode);
  }

  async #pass(server: Socket, client: Socket, { cutAfter, delayMs, pieceBytes }: ProxyMode): Promise<void> {
    let left = cutAfter?.() ?? Infinity;
    try {
      for await (const chunk of server as AsyncIterable<Buffer>) {
        const size = pieceBytes ?? chunk.length;
        for (let at = 0; at < chunk.length; at += size) {
          if (delayMs !== undefined) await sleep(delayMs);
          const piece = chunk.subarray(at, Math.min(at + size, at + left));
          left -= piece.length;
          client.write(piece);
          if (left > 0) continue;
          this.cuts += 1;
          // What was written before the cut arrives: the cut is in the middle of the stream, not before it.
          client.end();
          return;
        }
      }
    } catch {
      // Who ends it first is not what matters here.
    }
    client.destroy();
  }
}
