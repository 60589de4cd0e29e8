/** The daemon's end of the protocol, without a daemon behind it. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { protocolVersion } from '../../src/lab/protocol.ts';
import type { Request } from '../../src/lab/protocol.ts';
import { serveRequests } from '../../src/lab/request-server.ts';
import type { Handler } from '../../src/lab/request-server.ts';

const untilTold: Handler = async (_, { signal }) => {
  if (!signal.aborted) await once(signal, 'abort');
  return { shown: 7 };
};

describe('request server', () => {
  let directory: string;
  let path: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'bulkhead-test-'));
    path = join(directory, 'socket');
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  async function ask(request?: Request): Promise<Socket> {
    const socket = connect(path);
    await once(socket, 'connect');
    if (request) socket.write(`${JSON.stringify({ version: protocolVersion, request })}\n`);
    return socket;
  }

  async function allOf(socket: Socket): Promise<string> {
    const chunks = await socket.setEncoding('utf8').toArray();
    return chunks.join('');
  }

  test('only its owner may connect', async () => {
    const server = await serveRequests(path, untilTold);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await server.close();
  });

  test('when it closes, requests that wait are answered, and clients that ask nothing hold nobody up', async () => {
    const taken = Promise.withResolvers<void>();
    const server = await serveRequests(path, async (request, reply) => {
      taken.resolve();
      return untilTold(request, reply);
    });
    const [silent, follower] = [await ask(), await ask({ op: 'flows', last: 0, follow: true, filter: {} })];
    const answer = allOf(follower);
    const silence = allOf(silent);
    await taken.promise;
    await server.close();
    expect(await answer).toBe('{"type":"result","result":{"shown":7}}\n');
    expect(await silence).toBe('');
  });

  test('a client that does not read its answer is left', async () => {
    const said = Promise.withResolvers<void>();
    const server = await serveRequests(path, async (request, reply) => {
      // More than any socket buffers.
      for (let count = 0; count < 200_000; count++) reply.item({ kind: 'lost', events: count });
      said.resolve();
      return untilTold(request, reply);
    });
    const deaf = await ask({ op: 'flows', last: 0, follow: true, filter: {} });
    deaf.pause();
    await said.promise;
    await expect(server.close()).resolves.toBeUndefined();
    deaf.destroy();
  });

  test('what is no request is told so', async () => {
    const server = await serveRequests(path, untilTold);
    for (const text of ['', 'nonsense', '{"$bigint":"x"}', '{"version":1}', '[]']) {
      const socket = await ask();
      socket.write(`${text}\n`);
      expect(await allOf(socket)).toMatch(/^\{"type":"error".*"LAB_PROTOCOL"/);
    }
    await server.close();
  });
});
