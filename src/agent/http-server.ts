/** HTTP for probes and scrapers (TCP), and for people on the node (a Unix socket that only root may open). */
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { dirname } from 'node:path';

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

export type Listen = { readonly port: number; readonly host?: string } | { readonly path: string };

/** Only GET and HEAD: nothing that answers here changes anything. */
export async function serveHttp(
  listen: Listen,
  routes: Readonly<Record<string, Route>>,
): Promise<HttpServer> {
  const server = createServer((request, response) => {
    respond(request, response, routes).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500, { 'content-type': 'text/plain' });
      response.end(`${error instanceof Error ? error.message : String(error)}\n`);
    });
  });
  // Small and few: a scraper that hangs must not hold a connection for ever.
  server.requestTimeout = 10_000;
  if ('path' in listen) {
    mkdirSync(dirname(listen.path), { recursive: true, mode: 0o700 });
    rmSync(listen.path, { force: true });
  }
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    // Nobody but the owner, from the first moment on.
    const mask = process.umask(0o177);
    server.listen(listen, resolve);
    process.umask(mask);
  });
  if ('path' in listen) chmodSync(listen.path, 0o600);
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

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  routes: Readonly<Record<string, Route>>,
): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' }).end();
    return;
  }
  const url = new URL(request.url ?? '/', 'http://agent');
  const route = Object.hasOwn(routes, url.pathname) ? routes[url.pathname] : undefined;
  if (!route) {
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
