/**
 * Requests to one API server over kept-alive connections. A connection that says nothing for too long is given up, also
 * in the middle of an answer; a half-open one is found out by TCP keepalive. Certificates, keys and tokens are read anew
 * for each request, and a change of the former begins new connections.
 */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { ApiError, protocolError, timeoutError, tooLarge, transportError, type Action } from './api-error.ts';
import type { Connection, Identity, Trust } from './connection.ts';

export interface Call {
  /** For people, in errors: `list pods`. */
  readonly action: Action;
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Absolute, encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;
  readonly body?: { readonly type: string; readonly text: string };
  readonly accept?: string;
  readonly signal?: AbortSignal | undefined;
  /** How long nothing may arrive; 30 seconds unless told otherwise. */
  readonly silenceMs?: number;
  /** A longer answer is refused rather than put together in memory (KUBERNETES_TOO_LARGE). */
  readonly maxBytes?: number;
}

/** TLS as `https.request` and WebSockets take it. */
export interface TlsSettings {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  readonly rejectUnauthorized: boolean;
}

export const defaultSilenceMs = 30_000;
export const keepAliveMs = 15_000;

const defaultMaxBytes = 64 * 1024 * 1024;

export class Transport {
  readonly connection: Connection;
  #https: { readonly settings: TlsSettings; readonly agent: HttpsAgent } | undefined;
  readonly #http = new HttpAgent({ keepAlive: true });

  constructor(connection: Connection) {
    this.connection = connection;
  }

  /** The answer, once its head has arrived and says success. @throws BulkheadError, ApiError, or what `signal` says */
  async open(call: Call): Promise<IncomingMessage> {
    let answer = await this.#send(call);
    if (answer.statusCode === 401) {
      answer.resume();
      this.connection.credentials.refused();
      answer = await this.#send(call);
    }
    const status = answer.statusCode ?? 0;
    if (status >= 200 && status < 300) return answer;
    throw await answerError(call, answer);
  }

  /** The whole answer. @throws as `open` */
  async bytes(call: Call): Promise<Buffer> {
    return readBody(await this.open(call), call);
  }

  /** What a new connection needs, read anew. @throws BulkheadError KUBERNETES_CREDENTIALS */
  async access(): Promise<{ readonly headers: Identity['headers']; readonly tls: TlsSettings }> {
    const identity = await this.connection.credentials.identity();
    return { headers: identity.headers, tls: tlsSettings(await this.connection.trust(), identity) };
  }

  /** Ends idle connections; those in use end with their requests. */
  close(): void {
    this.#https?.agent.destroy();
    this.#http.destroy();
  }

  async #send(call: Call): Promise<IncomingMessage> {
    const { connection } = this;
    const { headers, tls } = await this.access();
    const agent = connection.server.protocol === 'http:' ? this.#http : this.#agent(tls);
    call.signal?.throwIfAborted();
    try {
      return await exchange(call, { connection, agent, headers });
    } catch (error) {
      call.signal?.throwIfAborted();
      if (!(error instanceof StaleConnection)) throw transportError(call.action, connection.server, error);
    }
    try {
      return await exchange(call, { connection, agent, headers });
    } catch (error) {
      call.signal?.throwIfAborted();
      const cause = error instanceof StaleConnection ? error.cause : error;
      throw transportError(call.action, connection.server, cause);
    }
  }

  #agent(settings: TlsSettings): HttpsAgent {
    if (this.#https && sameSettings(this.#https.settings, settings)) return this.#https.agent;
    this.#https?.agent.destroy();
    const agent = new HttpsAgent({ ...settings, keepAlive: true });
    this.#https = { settings, agent };
    return agent;
  }
}

function tlsSettings(trust: Trust, { certificate, key }: Identity): TlsSettings {
  return {
    ...(trust.ca === undefined ? {} : { ca: trust.ca }),
    ...(certificate === undefined || key === undefined ? {} : { cert: certificate, key }),
    ...(trust.serverName === undefined ? {} : { servername: trust.serverName }),
    rejectUnauthorized: trust.verify,
  };
}

/** The server closed a kept-alive connection just when it was used again: nothing was done, and asking again is safe. */
class StaleConnection extends Error {}

interface Way {
  readonly connection: Connection;
  readonly agent: HttpAgent;
  readonly headers: Readonly<Record<string, string>>;
}

function exchange(call: Call, { connection, agent, headers }: Way): Promise<IncomingMessage> {
  const { server } = connection;
  const { method = 'GET', body, signal, silenceMs = defaultSilenceMs, accept = 'application/json' } = call;
  return new Promise((resolve, reject) => {
    const open = server.protocol === 'http:' ? httpRequest : httpsRequest;
    const request = open({
      agent,
      method,
      host: hostOf(server),
      port: server.port || (server.protocol === 'http:' ? 80 : 443),
      path: requestPath(server, call),
      headers: {
        ...headers,
        accept,
        'user-agent': 'bulkhead',
        ...(body ? { 'content-type': body.type, 'content-length': Buffer.byteLength(body.text) } : {}),
      },
      ...(signal ? { signal } : {}),
    });
    const silence = setTimeout(() => {
      request.destroy(timeoutError(call.action, silenceMs / 1000));
    }, silenceMs);
    request.on('socket', (socket) => socket.setKeepAlive(true, keepAliveMs));
    request.on('response', (answer) => {
      clearTimeout(silence);
      resolve(answer);
    });
    request.on('error', (error: Error & { code?: string }) => {
      clearTimeout(silence);
      const isStale = request.reusedSocket && method === 'GET' && error.code === 'ECONNRESET';
      reject(isStale ? new StaleConnection('closed by the server', { cause: error }) : error);
    });
    request.end(body?.text);
  });
}

/** Without the brackets of an IPv6 address. */
function hostOf(server: URL): string {
  return server.hostname.replace(/^\[(.*)\]$/, '$1');
}

export function requestPath(server: URL, { path, query = {} }: Pick<Call, 'path' | 'query'>): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? (value as readonly string[]) : [value])
      parameters.append(key, String(one));
  }
  const text = parameters.toString();
  return `${server.pathname.replace(/\/$/, '')}${path}${text === '' ? '' : `?${text}`}`;
}

async function readBody(answer: IncomingMessage, call: Call): Promise<Buffer> {
  const { action, signal, maxBytes = defaultMaxBytes, silenceMs = defaultSilenceMs } = call;
  answer.setTimeout(silenceMs, () => answer.destroy(timeoutError(action, silenceMs / 1000)));
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > maxBytes) throw tooLarge(action, maxBytes);
      chunks.push(chunk);
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw brokenOff(action, error);
  }
  return Buffer.concat(chunks, length);
}

/** The error of an answer that ended before its end. */
export function brokenOff(action: Action, error: unknown): Error {
  if (error instanceof Error && 'diagnostics' in error) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return protocolError(action, `the connection broke in the middle of the answer (${reason})`);
}

/** What the server said instead of success. */
export async function answerError(call: Call, answer: IncomingMessage): Promise<ApiError> {
  const body = await readBody(answer, call);
  const retryAfter = secondsUntil(answer.headers['retry-after']);
  return new ApiError(call.action, {
    status: answer.statusCode ?? 0,
    body: parseStatus(body.toString('utf8')),
    ...(retryAfter === undefined ? {} : { retryAfter }),
  });
}

function parseStatus(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return { message: text };
  }
}

/** Seconds, or a date. */
function secondsUntil(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return seconds > 0 ? seconds : undefined;
}

function sameSettings(a: TlsSettings, b: TlsSettings): boolean {
  return (
    a.ca === b.ca &&
    a.cert === b.cert &&
    a.key === b.key &&
    a.servername === b.servername &&
    a.rejectUnauthorized === b.rejectUnauthorized
  );
}
