/** What probes, scrapers and people on the node are answered. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import type { IncomingMessage, RequestOptions } from 'node:http';
import { connect } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { json, serveHttp, text } from '../../src/agent/http-server.ts';
import type { HttpServer, HttpServerOptions, Route } from '../../src/agent/http-server.ts';
import type { Listen } from '../../src/agent/listen.ts';

/** How many answers of /large have ended, whole or cut. */
let largeEnded = 0;

const routes: Readonly<Record<string, Route>> = {
  '/livez': () => text(200, 'ok\n'),
  '/readyz': () => text(503, 'not yet\n'),
  '/status': (url) => json({ asked: url.searchParams.get('q') }),
  '/broken': () => {
    throw new Error('no tables');
  },
  '/large': async (_, response) => {
    response.end(large);
    await once(response, 'close');
    largeEnded += 1;
  },
  '/stream': async (_, response) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    response.write('{}\n');
    await once(response, 'close');
  },
};

/** More than what any buffer between the two takes. */
const large = 'x'.repeat(64 << 20);

let servers: HttpServer[] = [];
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'bulkhead-http-'));
});
afterEach(async () => {
  await Promise.all(servers.map((server) => server.close()));
  servers = [];
  largeEnded = 0;
  rmSync(directory, { recursive: true });
});

async function serve(
  listen: Listen = { port: 0, host: '127.0.0.1' },
  options: HttpServerOptions = {},
): Promise<HttpServer> {
  const server = await serveHttp(listen, routes, options);
  servers.push(server);
  return server;
}

async function ask(options: RequestOptions): Promise<IncomingMessage> {
  const asked = request({ host: '127.0.0.1', agent: false, ...options }).end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  return response;
}

async function answer(options: RequestOptions): Promise<readonly [status: number | undefined, body: string]> {
  const response = await ask(options);
  return [response.statusCode, await readText(response)];
}

describe('by TCP', () => {
  test('a route is answered with its status, its type and its body', async () => {
    const { port } = await serve();
    expect(await answer({ port, path: '/livez' })).toEqual([200, 'ok\n']);
    expect(await answer({ port, path: '/readyz' })).toEqual([503, 'not yet\n']);
    const response = await ask({ port, path: '/status?q=a%20b' });
    expect(response.headers['content-type']).toBe('application/json');
    expect(JSON.parse(await readText(response))).toEqual({ asked: 'a b' });
  });

  test('HEAD is GET without a body', async () => {
    const { port } = await serve();
    expect(await answer({ port, path: '/readyz', method: 'HEAD' })).toEqual([503, '']);
  });

  test.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])('%s is not allowed anywhere', async (method) => {
    const { port } = await serve();
    const response = await ask({ port, path: '/livez', method });
    expect(response.statusCode).toBe(405);
    expect(response.headers.allow).toBe('GET, HEAD');
    response.resume();
  });

  test.each(['/', '/constructor', '/__proto__', '/livez/', '//', '//livez', '/\\\\['])(
    'nobody is at %s, and what there is is said',
    async (path) => {
      const { port } = await serve();
      const [status, body] = await answer({ port, path });
      expect(status).toBe(404);
      expect(body).toContain('/livez /readyz');
    },
  );

  test('a route that fails is an error, and the next one is answered', async () => {
    const { port } = await serve();
    expect(await answer({ port, path: '/broken' })).toEqual([500, 'no tables\n']);
    expect(await answer({ port, path: '/livez' })).toEqual([200, 'ok\n']);
  });

  test('what is no HTTP ends its own connection only', async () => {
    const { port = 0 } = await serve();
    const socket = connect(port, '127.0.0.1').end('\\0\\0 nonsense\\r\\n\\r\\n');
    expect(await readText(socket)).toContain('400 Bad Request');
    expect(await answer({ port, path: '/livez' })).toEqual([200, 'ok\n']);
  });

  test('who opens connection after connection is refused more, and takes no room of others', async () => {
    const { port = 0 } = await serve();
    const greedy = Array.from({ length: 40 }, () =>
      connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' }).on('error', () => undefined),
    );
    const refused = greedy.map(async (socket) => once(socket, 'close'));
    await Promise.any(refused);
    expect(await answer({ port, path: '/livez' })).toEqual([200, 'ok\n']);
    for (const socket of greedy.slice(0, 4)) socket.destroy();
    // Those that were let in are the first ones, and stay.
    await Promise.all(refused.slice(20));
    expect(greedy.slice(4, 8).map(({ destroyed }) => destroyed)).toEqual([false, false, false, false]);
    for (const socket of greedy) socket.destroy();
    // Whoever closes its connections is let in again.
    await expect
      .poll(async () =>
        ask({ port, path: '/livez', localAddress: '127.0.0.2' }).then(
          ({ statusCode }) => statusCode,
          () => 'refused',
        ),
      )
      .toBe(200);
  });

  test('who says nothing, and who does not read what was asked for, holds no connection', async () => {
    const { port = 0 } = await serve({ port: 0, host: '127.0.0.1' }, { silenceMs: 100 });
    const silent = connect(port, '127.0.0.1');
    const unread = connect(port, '127.0.0.1').pause();
    unread.write('GET /large HTTP/1.1\r\nHost: agent\r\n\r\n');
    await once(silent.resume(), 'close');
    await expect.poll(() => largeEnded, { timeout: 30_000 }).toBe(1);
    let bytes = 0;
    unread.on('data', (chunk) => (bytes += chunk.length)).on('error', () => undefined);
    await new Promise((resolve) => void unread.on('close', resolve).resume());
    expect(bytes).toBeLessThan(large.length);
  });

  test('a port that somebody else has is an error', async () => {
    const { port = 0 } = await serve();
    await expect(serve({ port, host: '127.0.0.1' })).rejects.toThrow('EADDRINUSE');
  });

  test('closing ends streams, and connections that say nothing', async () => {
    const server = await serve();
    const { port = 0 } = server;
    const silent = connect(port, '127.0.0.1');
    const silentEnds = once(silent, 'close');
    await once(silent, 'connect');
    const stream = await ask({ port, path: '/stream' });
    const streamEnds = readText(stream).catch(() => 'cut');
    await server.close();
    await Promise.all([silentEnds, streamEnds]);
    await expect(ask({ port, path: '/livez' })).rejects.toThrow('ECONNREFUSED');
  });
});

describe('by a Unix socket', () => {
  test('only its owner may open it, and its folder', async () => {
    const path = join(directory, 'run', 'debug.sock');
    await serve({ path });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(directory, 'run')).mode & 0o777).toBe(0o700);
    expect(await answer({ socketPath: path, path: '/livez' })).toEqual([200, 'ok\n']);
  });

  test('a stream on which nothing happens goes on', async () => {
    const path = join(directory, 'debug.sock');
    await serve({ path }, { silenceMs: 20 });
    const stream = await ask({ socketPath: path, path: '/stream' });
    let ended = false;
    stream.on('close', () => (ended = true)).resume();
    await sleep(300);
    expect(ended).toBe(false);
    stream.destroy();
  });

  test('what a process before left there gives way', async () => {
    const path = join(directory, 'debug.sock');
    writeFileSync(path, '');
    await serve({ path });
    expect(await answer({ socketPath: path, path: '/livez' })).toEqual([200, 'ok\n']);
  });
});
