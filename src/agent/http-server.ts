/** HTTP for probes and scrapers (TCP), and for people on the node (a Unix socket that only root may open). */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { listen } from './listen.ts';
import type { Listen } from './listen.ts';

export interface Answer {
  readonly status: number;
  readonly type:
    'text/plain; charset=utf-8' | 'application/json' | 'text/plain; version=0.0.4; charset=utf-8';
  readonly body: string;
}

/** Answers at once, or writes a stream itself and resolves when that ends. */
export type Route = (url: URL, response: ServerResponse) => Answer | Promise<void>;

export interface HttpServer {
  /** Of a TCP server: the port that it got. */
  readonly port: number | undefined;
  close(): Promise<void>;
}

/** Probes and scrapers need two or three. By TCP anybody may come, pods too: nobody may take the room of the kubelet. */
const maxConnectionsEach = 8;

export interface HttpServerOptions {
  /** By TCP, a connection on which nothing moves for so long ends, be it that the client does not read. */
  readonly silenceMs?: number;
}

/** Only GET and HEAD: nothing that answers here changes anything. */
export async function serveHttp(
  where: Listen,
  routes: Readonly<Record<string, Route>>,
  { silenceMs = 10_000 }: HttpServerOptions = {},
): Promise<HttpServer> {
  const server = createServer((request, response) => {
    respond(request, response, routes).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500, { 'content-type': 'text/plain' });
      response.end(`${error instanceof Error ? error.message : String(error)}\n`);
    });
  });
  // Small and few: a scraper that hangs must not hold a connection for ever.
  server.requestTimeout = 10_000;
  if ('port' in where) {
    server.setTimeout(silenceMs);
    limitConnections(server);
  }
  await listen(server, where);
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : undefined,
    close: async () => {
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Of each address; one more is closed unanswered. */
function limitConnections(server: Server): void {
  const open = new Map<string, number>();
  server.on('connection', (socket: Socket) => {
    const { remoteAddress = '' } = socket;
    const count = (open.get(remoteAddress) ?? 0) + 1;
    open.set(remoteAddress, count);
    socket.once('close', () => {
      const left = (open.get(remoteAddress) ?? 1) - 1;
      if (left > 0) open.set(remoteAddress, left);
      else open.delete(remoteAddress);
    });
    if (count > maxConnectionsEach) socket.destroy();
  });
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  routes: Readonly<Record<string, Route>>,
): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' }).end();
    return;
  }
  const url = URL.parse(request.url ?? '/', 'http://agent');
  const route = url && Object.hasOwn(routes, url.pathname) ? routes[url.pathname] : undefined;
  if (!url || !route) {
    response
      .writeHead(404, { 'content-type': 'text/plain' })
      .end(`There is: ${Object.keys(routes).join(' ')}\n`);
    return;
  }
  const answer = route(url, response);
  if (answer instanceof Promise) return answer;
  response.writeHead(answer.status, { 'content-type': answer.type });
  response.end(request.method === 'HEAD' ? undefined : answer.body);
}

export function text(status: number, body: string): Answer {
  return { status, type: 'text/plain; charset=utf-8', body };
}

export function json(value: unknown): Answer {
  return { status: 200, type: 'application/json', body: `${JSON.stringify(value, undefined, 2)}\n` };
}
