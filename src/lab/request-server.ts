/** The daemon's end of the protocol: a Unix socket, one request per connection. */
import { chmodSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { BulkheadError, failure } from '../errors.ts';
import type { Diagnostic } from '../errors.ts';
import type { FlowItem } from '../observe/flow-log.ts';
import { readLine } from './protocol.ts';
import type { Frame, Operation, Request, Results } from './protocol.ts';
import { encodeLine, onLines } from './wire.ts';

/** What a handler may send before its result. */
export interface Reply {
  progress(text: string): void;
  /** False: the reader is slow, and `drained` says when it has caught up. */
  item(item: FlowItem): boolean;
  drained(): Promise<void>;
  /** Aborted when the client has gone, and when the server closes: there is nothing more to wait for. */
  readonly signal: AbortSignal;
}

export type Handler = (request: Request, reply: Reply) => Promise<Results[Operation]>;

export interface RequestServer {
  /**
   * Takes no new requests, lets those under way be answered, and resolves when all connections are closed: those
   * that ask nothing at once, those that do not take their answer soon after.
   */
  close(): Promise<void>;
}

/** How long a client may take to read its answer from a server that closes. Milliseconds. */
const lingerMs = 1000;

/** Listens at `path` with mode 0600; a socket file that a dead daemon left is replaced. */
export async function serveRequests(path: string, handle: Handler): Promise<RequestServer> {
  rmSync(path, { force: true });
  /** With what ends each early. */
  const connections = new Map<Socket, () => void>();
  const server = createServer((socket) => {
    connections.set(socket, serveOne(socket, handle));
    socket.on('close', () => connections.delete(socket));
  });
  // The directory is closed to everybody else, so nobody slips in between listen and chmod.
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o600);
  return {
    close: async () => {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      for (const end of connections.values()) end();
      const impatience = setTimeout(() => {
        for (const socket of connections.keys()) socket.destroy();
      }, lingerMs);
      await closed;
      clearTimeout(impatience);
    },
  };
}

/** Gives what ends the connection: at once if nothing was asked yet, else with the answer. */
function serveOne(socket: Socket, handle: Handler): () => void {
  const gone = new AbortController();
  const send = (frame: Frame<Operation>) => socket.writable && socket.write(encodeLine(frame));
  const reply: Reply = {
    progress: (text) => void send({ type: 'progress', text }),
    item: (item) => send({ type: 'item', item }),
    drained: () =>
      new Promise((resolve) => {
        socket.once('drain', resolve);
        gone.signal.addEventListener('abort', () => resolve(), { once: true });
      }),
    signal: gone.signal,
  };
  let received = false;
  // A client that goes away is no error of ours; `close` follows and tells the handler.
  socket.on('error', () => undefined);
  socket.on('close', () => gone.abort());
  onLines(socket, (line) => {
    if (received) return;
    received = true;
    respond(line, { handle, reply })
      .then((result) => socket.end(encodeLine({ type: 'result', result } satisfies Frame<Operation>)))
      .catch((error: unknown) =>
        socket.end(encodeLine({ type: 'error', diagnostics: diagnosticsOf(error) })),
      );
  });
  return () => {
    gone.abort();
    if (!received) socket.destroy();
  };
}

async function respond(line: string, { handle, reply }: { handle: Handler; reply: Reply }) {
  return handle(readLine(line), reply);
}

function diagnosticsOf(error: unknown): readonly Diagnostic[] {
  if (error instanceof BulkheadError) return error.diagnostics;
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  console.error(`unexpected error: ${detail}`);
  return [
    failure('LAB_INTERNAL', `the lab's daemon met an unexpected error: ${detail}`, {
      hint: "This is a defect of bulkhead; please report it with the daemon's log.",
    }),
  ];
}
