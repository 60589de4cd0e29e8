/** Commands in containers, against a server that speaks the protocol of the kubelet's. */
import type { Duplex } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import { BulkheadError } from '../../src/errors.ts';
import { KubernetesClient } from '../../src/kubernetes/client.ts';
import { execInPod } from '../../src/kubernetes/exec.ts';
import { FakeApiServer } from './fake-api-server.ts';
import { plainConnection } from './recorder.ts';

let server: FakeApiServer;
let client: KubernetesClient;
let runs: (socket: WebSocket, url: URL) => void;
let offered: Set<string>;

beforeEach(async () => {
  server = await FakeApiServer.start();
  client = new KubernetesClient(plainConnection(server.url, { authorization: 'Bearer me' }));
  const sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (protocols) => {
      offered = protocols;
      return 'v5.channel.k8s.io';
    },
  });
  server.server.on('upgrade', (request, socket: Duplex, head) => {
    const url = new URL(request.url ?? '', 'http://fake');
    if (request.headers.authorization !== 'Bearer me' || url.pathname.includes('/secret/')) {
      const status = { kind: 'Status', code: 403, reason: 'Forbidden', message: 'cannot create pods/exec' };
      const body = JSON.stringify(status);
      socket.end(`HTTP/1.1 403 Forbidden\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (accepted) => runs(accepted, url));
  });
});

afterEach(async () => {
  client.close();
  await server.stop();
});

const output: string[] = [];

async function run(
  command: readonly string[],
  more: { namespace?: string; signal?: AbortSignal; openStdin?: boolean } = {},
): Promise<number> {
  output.length = 0;
  return execInPod(client, {
    namespace: 'system',
    pod: 'agent-1',
    container: 'agent',
    command,
    stdout: (chunk) => output.push(`out ${chunk.toString()}`),
    stderr: (chunk) => output.push(`err ${chunk.toString()}`),
    ...more,
  });
}

function send(socket: WebSocket, channel: number, text: string): void {
  socket.send(Buffer.concat([Buffer.of(channel), Buffer.from(text)]));
}

function end(socket: WebSocket, status: unknown): void {
  send(socket, 3, JSON.stringify(status));
  socket.close(1000);
}

async function failureOf(action: Promise<unknown>): Promise<BulkheadError> {
  const error = await action.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(BulkheadError);
  return error as BulkheadError;
}

describe('a command in a container', () => {
  test('has its arguments as they are, and its output comes as it is written', async () => {
    let asked: URL | undefined;
    runs = (socket, url) => {
      asked = url;
      // The streams are opened with an empty message each.
      for (const channel of [1, 2, 3]) if (channel !== 3) send(socket, channel, '');
      send(socket, 1, 'one');
      send(socket, 2, 'two');
      send(socket, 1, 'three');
      end(socket, { status: 'Success' });
    };
    expect(await run(['flows', '--last', '3 h', '&'])).toBe(0);
    expect(output).toEqual(['out one', 'err two', 'out three']);
    expect(asked?.pathname).toBe('/api/v1/namespaces/system/pods/agent-1/exec');
    expect(asked?.searchParams.getAll('command')).toEqual(['flows', '--last', '3 h', '&']);
    expect(asked?.searchParams.get('container')).toBe('agent');
    expect(asked?.searchParams.has('stdin')).toBe(false);
    expect([...offered]).toEqual(['v5.channel.k8s.io', 'v4.channel.k8s.io']);
  });

  test('has an open standard input where that is wanted', async () => {
    let asked: URL | undefined;
    runs = (socket, url) => {
      asked = url;
      end(socket, { status: 'Success' });
    };
    expect(await run(['true'], { openStdin: true })).toBe(0);
    expect(asked?.searchParams.get('stdin')).toBe('true');
  });

  test('ends with its exit code', async () => {
    runs = (socket) =>
      end(socket, {
        status: 'Failure',
        reason: 'NonZeroExitCode',
        details: { causes: [{ reason: 'ExitCode', message: '137' }] },
      });
    expect(await run(['false'])).toBe(137);
  });

  test('that could not be started is an error, not an exit code', async () => {
    runs = (socket) =>
      end(socket, { status: 'Failure', reason: 'InternalError', code: 500, message: 'no such file' });
    expect((await failureOf(run(['missing']))).message).toBe(
      "error KUBERNETES_SERVER_ERROR: exec in pods system/agent-1: no such file\n  hint: See the API server's log.",
    );
  });

  test('whose connection is cut is an error, whatever it had written', async () => {
    runs = (socket) => {
      send(socket, 1, 'half');
      socket.terminate();
    };
    expect((await failureOf(run(['flows']))).code).toBe('KUBERNETES_PROTOCOL');
  });

  test('that may not be run is refused with what the server says', async () => {
    const error = await failureOf(run(['flows'], { namespace: 'secret' }));
    expect(error.code).toBe('KUBERNETES_FORBIDDEN');
    expect(error.message).toContain('exec in pods secret/agent-1: cannot create pods/exec');
  });

  test('without a server says that there is none', async () => {
    await server.stop();
    expect((await failureOf(run(['flows']))).code).toBe('KUBERNETES_UNREACHABLE');
    await server.listen();
  });

  test('ends when it is told to', async () => {
    const stopping = new AbortController();
    const left = new Promise((resolve) => {
      runs = (socket) => {
        socket.on('close', resolve);
        send(socket, 1, 'and on');
        stopping.abort(new Error('enough'));
      };
    });
    await expect(run(['flows', '--follow'], { signal: stopping.signal })).rejects.toThrow('enough');
    await left;
  });
});
