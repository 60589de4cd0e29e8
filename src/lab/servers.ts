/** Keeps a server running for each endpoint that the lab should have, and no other. */
import type { Address } from '../objects/ip.ts';
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
  readonly address?: Address;
  /** What the server answers, without the newline: `shop/cart TCP 80`. */
  readonly line: string;
}

/** Makes a socket inside the endpoint's namespace, bound (TCP: listening); gives its file descriptor. */
export type OpenSocket = (endpoint: Endpoint) => number;

interface Running {
  readonly endpoint: Endpoint;
  readonly server: { close(): unknown };
}

export class Servers {
  readonly #open: OpenSocket;
  readonly #running = new Map<string, Running>();

  constructor(open: OpenSocket) {
    this.#open = open;
  }

  get size(): number {
    return this.#running.size;
  }

  /** Ends the servers of other endpoints than these, and those in namespaces that were made anew. */
  retain(endpoints: readonly Endpoint[], renewed: ReadonlySet<string> = new Set()): void {
    const wanted = byKey(endpoints);
    for (const [key, { endpoint, server }] of this.#running) {
      if (wanted.has(key) && !renewed.has(endpoint.namespace)) continue;
      server.close();
      this.#running.delete(key);
    }
  }

  /** Starts what does not run yet. */
  start(endpoints: readonly Endpoint[]): void {
    for (const [key, endpoint] of byKey(endpoints)) {
      if (!this.#running.has(key)) this.#running.set(key, { endpoint, server: this.#serve(endpoint) });
    }
  }

  close(): void {
    this.retain([]);
  }

  #serve(endpoint: Endpoint): { close(): unknown } {
    const fd = this.#open(endpoint);
    return endpoint.protocol === 'TCP'
      ? serveTcp(fd, endpoint.line)
      : serveUdp({ fd, family: endpoint.address?.family ?? 6, line: endpoint.line });
  }
}

/** Of endpoints that share namespace, address and port the first is served, as with processes that race for a port. */
function byKey(endpoints: readonly Endpoint[]): ReadonlyMap<string, Endpoint> {
  const first = new Map<string, Endpoint>();
  for (const endpoint of endpoints) {
    const place = [endpoint.namespace, endpoint.protocol, endpoint.address?.text ?? '*', endpoint.port].join(
      ' ',
    );
    if (!first.has(place)) first.set(place, endpoint);
  }
  return new Map([...first].map(([place, endpoint]) => [`${place} ${endpoint.line}`, endpoint]));
}
