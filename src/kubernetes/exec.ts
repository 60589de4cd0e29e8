/**
 * Runs a command in a container, as `kubectl exec` does: a WebSocket whose messages begin with the number of a stream.
 * Upstream: k8s.io/apimachinery/pkg/util/remotecommand/constants.go, k8s.io/apiserver/pkg/util/wsstream.
 */
import type { IncomingMessage } from 'node:http';
import { WebSocket, type RawData } from 'ws';
import { ApiError, protocolError, transportError } from './api-error.ts';
import { parseObject, type KubernetesClient } from './client.ts';
import { describePlace, pods, resourcePath } from './resource.ts';
import { answerError, defaultSilenceMs, keepAliveMs, requestPath, type Call } from './transport.ts';
import { asFields, asList, asText, type Fields } from './untyped.ts';

export interface ExecOptions {
  readonly namespace: string;
  readonly pod: string;
  /** Absent: the only one, or the one that the pod declares as its default. */
  readonly container?: string;
  /** The program and its arguments; no shell is involved. */
  readonly command: readonly string[];
  readonly stdout: (chunk: Buffer) => void;
  readonly stderr: (chunk: Buffer) => void;
  /** Its standard input is open, and empty, for as long as we listen: a command that reads it notices that we are gone. */
  readonly openStdin?: boolean;
  /** Ends it from here; the command then gets a signal or goes on, as its runtime decides. */
  readonly signal?: AbortSignal;
}

/** The second is for API servers before 1.30; they differ in how standard input ends, which here it only does with the connection. */
const protocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];
const channels = { stdout: 1, stderr: 2, status: 3 } as const;

/** The exit code of the command. @throws BulkheadError KUBERNETES_…, or what `signal` says */
export async function execInPod(client: KubernetesClient, options: ExecOptions): Promise<number> {
  const { namespace, pod, container, command, openStdin, signal } = options;
  const place = { namespace, name: pod, subresource: 'exec' };
  const call: Call = {
    action: `exec in ${describePlace(pods, { namespace, name: pod })}`,
    path: resourcePath(pods, place),
    query: { command, container, stdin: openStdin, stdout: true, stderr: true },
    signal,
  };
  try {
    return await converse(client, call, options);
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 401)) throw error;
    client.connection.credentials.refused();
    return converse(client, call, options);
  }
}

async function converse(client: KubernetesClient, call: Call, options: ExecOptions): Promise<number> {
  const { server } = client.connection;
  const { headers, tls } = await client.transport.access();
  call.signal?.throwIfAborted();
  const url = `${server.origin.replace(/^http/, 'ws')}${requestPath(server, call)}`;
  const socket = new WebSocket(url, protocols, { ...tls, headers, handshakeTimeout: defaultSilenceMs });
  const end = (): void => socket.terminate();
  call.signal?.addEventListener('abort', end);
  try {
    return await outcome(socket, { call, server, options });
  } catch (error) {
    call.signal?.throwIfAborted();
    throw error;
  } finally {
    call.signal?.removeEventListener('abort', end);
    socket.terminate();
  }
}

interface Conversation {
  readonly call: Call;
  readonly server: URL;
  readonly options: ExecOptions;
}

function outcome(socket: WebSocket, { call, server, options }: Conversation): Promise<number> {
  return new Promise((resolve, reject) => {
    socket.on('upgrade', (answer) => answer.socket.setKeepAlive(true, keepAliveMs));
    socket.on('unexpected-response', (_, answer: IncomingMessage) => {
      answerError(call, answer).then(reject, reject);
    });
    socket.on('error', (error) => reject(transportError(call.action, server, error)));
    socket.on('close', () => reject(protocolError(call.action, 'the connection ended before the command')));
    socket.on('message', (data) => {
      try {
        const code = receive(call, toBuffer(data), options);
        if (code !== undefined) resolve(code);
      } catch (error) {
        reject(error);
      }
    });
  });
}

/** The exit code, if this message is the last. */
function receive(call: Call, message: Buffer, { stdout, stderr }: ExecOptions): number | undefined {
  const rest = message.subarray(1);
  switch (message[0]) {
    case channels.stdout:
      if (rest.length > 0) stdout(rest);
      return undefined;
    case channels.stderr:
      if (rest.length > 0) stderr(rest);
      return undefined;
    case channels.status:
      return exitCode(call, parseObject(call.action, rest.toString('utf8')));
    default:
      throw protocolError(call.action, `a message on the unknown stream ${message[0]}`);
  }
}

function exitCode({ action }: Call, status: Fields): number {
  if (status['status'] === 'Success') return 0;
  const causes = asList(asFields(status['details'])?.['causes']).map(asFields);
  const text = asText(causes.find((cause) => cause?.['reason'] === 'ExitCode')?.['message']);
  if (status['reason'] === 'NonZeroExitCode' && text !== undefined && /^\d+$/.test(text)) return Number(text);
  throw new ApiError(action, { status: Number(status['code'] ?? 500), body: status });
}

function toBuffer(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}
