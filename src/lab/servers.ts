/** Keeps a server running for each endpoint that the lab should have, and no other. */
import { serveTcp } from './tcp-server.ts';
import { serveUdp } from './udp-server.ts';

/** One listening socket. */
export interface Endpoint {
  /** Path of the network namespace. */
  readonly namespace: string;
  readonly protocol: 'TCP' | 'UDP';
  readonly port: number;
  /**
   * Only this local address; absent: all of both families. Needed for UDP where a namespace has several addresses, as
   * the reply must leave from the one that was asked.
   */
  readonly address?: { readonly family: 4 | 6; readonly text: string };
  /** What the server answers, without the newline: `shop/cart TCP 80`. */
  readonly line: string;
}

/** Makes a socket inside the endpoint's namespace, bound and (TCP) not yet listening; gives its file descriptor. */
export type OpenSocket = (endpoint: Endpoint) => number;

interface Closable {
  close(): unknown;
}

export class Servers {
  readonly #open: OpenSocket;
  readonly #running = new Map<string, Closable>();

  constructor(open: OpenSocket) {
    this.#open = open;
  }

  get size(): number {
    return this.#running.size;
  }

  /** Of endpoints that would share namespace, address and port the first one is served, as with real processes. */
  reconcile(endpoints: readonly Endpoint[]): void {
    const wanted = new Map<string, Endpoint>();
    for (const endpoint of endpoints) {
      const key = [endpoint.namespace, endpoint.protocol, endpoint.address?.text ?? '*', endpoint.port].join(
        ' ',
      );
      if (!wanted.has(key)) wanted.set(key, endpoint);
    }
    const named = new Map([...wanted].map(([key, endpoint]) => [`${key} ${endpoint.line}`, endpoint]));
    for (const [key, server] of this.#running) {
      if (named.has(key)) continue;
      server.close();
      this.#running.delete(key);
    }
    for (const [key, endpoint] of named) {
      if (!this.#running.has(key)) this.#running.set(key, this.#serve(endpoint));
    }
  }

  close(): void {
    this.reconcile([]);
  }

  #serve(endpoint: Endpoint): Closable {
    const fd = this.#open(endpoint);
    return endpoint.protocol === 'TCP'
      ? serveTcp(fd, endpoint.line)
      : serveUdp({ fd, family: endpoint.address?.family ?? 6, line: endpoint.line });
  }
}
