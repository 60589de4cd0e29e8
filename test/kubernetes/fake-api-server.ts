/**
 * An API server for faults that a real one can't be made to have: it lists and watches pods over real sockets, and
 * breaks in the ways that it is told to. Other requests are answered by `routes`.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { FakeStore, type StoredObject } from './fake-store.ts';

/** What goes wrong with one request. */
export type Fault =
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  | { readonly kind: 'reset' }
  /** Answers, says nothing, and lets nothing be heard of its end. */
  | { readonly kind: 'silence' }
  /** The connection is cut after so many bytes of the answer. */
  | { readonly kind: 'cut'; readonly bytes: number }
  /** The answer ends, in order, after so many bytes. */
  | { readonly kind: 'end'; readonly bytes: number }
  /** The answer comes in pieces of so many bytes. */
  | { readonly kind: 'pieces'; readonly bytes: number }
  /** Watches only: after what is known, an event of this kind. */
  | { readonly kind: 'error-event'; readonly code: number }
  | { readonly kind: 'repeat' }
  | { readonly kind: 'old-bookmark' }
  /** Watches only: in order, with a bookmark after each event. */
  | { readonly kind: 'bookmarks' };

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

type Route = (request: SeenRequest, response: ServerResponse) => void;

export class FakeApiServer {
  /** Pods. */
  readonly store = new FakeStore();
  /** Other resources, by path. */
  readonly stores = new Map<string, FakeStore>();
  /** Each is used up by one request, in order. */
  readonly faults: { list: Fault[]; watch: Fault[] } = { list: [], watch: [] };
  readonly requests: SeenRequest[] = [];
  /** By `METHOD /path`. */
  readonly routes = new Map<string, Route>();
  readonly server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #scheme: 'http' | 'https';
  /** What lists that go on page by page are of. */
  readonly #snapshots = new Map<string, readonly StoredObject[]>();
  #port = 0;

  private constructor(tls: ServerOptions | undefined) {
    const handle = (request: IncomingMessage, response: ServerResponse): void => {
      void this.#handle(request, response);
    };
    this.#scheme = tls ? 'https' : 'http';
    this.server = tls ? createTlsServer(tls, handle) : createServer(handle);
    this.server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  static async start(tls?: ServerOptions): Promise<FakeApiServer> {
    const fake = new FakeApiServer(tls);
    await fake.listen();
    return fake;
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${this.#port}`;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  /** At the port that it had before. */
  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (this.server.address() as AddressInfo).port;
  }

  /** Nobody is there any more: connections are reset, new ones refused. */
  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.cut();
    await closed;
  }

  /** All connections end at once. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://fake');
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const seen: SeenRequest = {
      method: request.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body: Buffer.concat(chunks).toString('utf8'),
    };
    this.requests.push(seen);
    response.on('error', () => undefined);
    const route = this.routes.get(`${seen.method} ${seen.path}`);
    if (route) route(seen, response);
    else if (seen.query.has('watch')) this.#watch(seen, response);
    else this.#list(seen, response);
  }

  #storeOf(path: string): FakeStore {
    if (path === '/api/v1/pods') return this.store;
    const store = this.stores.get(path) ?? new FakeStore();
    this.stores.set(path, store);
    return store;
  }

  #list({ path, query }: SeenRequest, response: ServerResponse): void {
    const store = this.#storeOf(path);
    const fault = this.faults.list.shift();
    const token = query.get('continue');
    const version = token === null ? store.version : Number(token.split(':')[0]);
    const snapshot = `${path} ${version}`;
    if (token === null) this.#snapshots.set(snapshot, [...store.objects.values()]);
    const objects = version < store.oldest ? undefined : this.#snapshots.get(snapshot);
    if (!objects) {
      sendStatus(response, 410);
      return;
    }
    const from = Number(token?.split(':')[1] ?? 0);
    const end = from + Number(query.get('limit') ?? objects.length);
    const more = end < objects.length ? { continue: `${version}:${end}` } : {};
    const metadata = { resourceVersion: String(version), ...more };
    const answer = answerWith(response, fault);
    const items = objects.slice(from, end);
    answer?.write(JSON.stringify({ kind: 'PodList', apiVersion: 'v1', metadata, items }));
    answer?.end();
  }

  #watch({ path, query }: SeenRequest, response: ServerResponse): void {
    const store = this.#storeOf(path);
    const fault = this.faults.watch.shift();
    let version = Number(query.get('resourceVersion'));
    if (version < store.oldest) {
      sendStatus(response, 410);
      return;
    }
    const answer = answerWith(response, fault);
    if (!answer) return;
    const lineOf = (event: unknown): string => `${JSON.stringify(event)}\n`;
    const bookmark = (at: number): string =>
      lineOf({ type: 'BOOKMARK', object: { kind: 'Pod', metadata: { resourceVersion: String(at) } } });
    // What is known at one time goes out at once.
    const flush = (): void => {
      const lines = store.eventsAfter(version).map(({ type, object, version: at }) => {
        const line = lineOf({ type, object });
        version = at;
        if (fault?.kind === 'repeat') return line + line;
        return fault?.kind === 'bookmarks' ? line + bookmark(at) : line;
      });
      if (lines.length > 0) answer.write(lines.join(''));
    };
    flush();
    if (fault?.kind === 'error-event') {
      answer.write(lineOf({ type: 'ERROR', object: statusObject(fault.code) }));
    }
    if (fault?.kind === 'old-bookmark') answer.write(bookmark(version - 1));
    const stop = store.listen(flush);
    response.on('close', stop);
  }
}

interface Answer {
  write: (text: string) => void;
  end: () => void;
}

/** Undefined where the fault leaves nothing to be said. */
function answerWith(response: ServerResponse, fault: Fault | undefined): Answer | undefined {
  switch (fault?.kind) {
    case 'status':
      for (const [name, value] of Object.entries(fault.headers ?? {})) response.setHeader(name, value);
      sendStatus(response, fault.status);
      return undefined;
    case 'reset':
      response.socket?.destroy();
      return undefined;
    case 'silence':
      response.writeHead(200, { 'content-type': 'application/json' });
      response.flushHeaders();
      return undefined;
    default:
      response.writeHead(200, { 'content-type': 'application/json' });
      response.flushHeaders();
  }
  let left = fault?.kind === 'cut' || fault?.kind === 'end' ? fault.bytes : Infinity;
  const stop = (): void => {
    if (fault?.kind === 'end') response.end();
    // What was written before goes out first.
    else response.write('', () => response.socket?.destroy());
  };
  const write = (text: string): void => {
    if (left <= 0 || response.destroyed || response.writableEnded) return;
    const bytes = Buffer.from(text);
    if (fault?.kind === 'pieces') {
      for (let start = 0; start < bytes.length; start += fault.bytes)
        response.write(bytes.subarray(start, start + fault.bytes));
      return;
    }
    response.write(bytes.subarray(0, left));
    left -= bytes.length;
    if (left <= 0) stop();
  };
  return {
    write,
    end: () => {
      if (left > 0) response.end();
    },
  };
}

function statusObject(code: number): unknown {
  const reason = code === 410 ? 'Expired' : 'InternalError';
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message: `it is ${code}` };
}

export function sendStatus(response: ServerResponse, code: number): void {
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(JSON.stringify(statusObject(code)));
}
