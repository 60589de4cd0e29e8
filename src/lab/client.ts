/** Talks to the daemon of a lab. */
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { BulkheadError, failure } from '../errors.ts';
import type { FlowItem } from '../observe/flow-log.ts';
import { labPaths } from './paths.ts';
import { protocolVersion } from './protocol.ts';
import type { Envelope, Frame, Operation, Request, Results } from './protocol.ts';
import { decodeLine, encodeLine, onLines } from './wire.ts';

export interface CallOptions {
  readonly onProgress?: (text: string) => void;
  readonly onItem?: (item: FlowItem) => void;
  /** Ends the call early; the result is then undefined. */
  readonly signal?: AbortSignal;
}

/**
 * Sends one request and waits for its result. Throws BulkheadError: the daemon's own errors, LAB_NOT_UP,
 * LAB_DAEMON_DEAD (the lab is there, its daemon is not) or LAB_DAEMON_DIED (while it worked on this).
 */
export async function callLab<Op extends Operation>(
  lab: string,
  request: Extract<Request, { op: Op }>,
  options: CallOptions = {},
): Promise<Results[Op] | undefined> {
  const socket = await connectToLab(lab);
  const envelope: Envelope = { version: protocolVersion, request };
  return new Promise<Results[Op] | undefined>((resolve, reject) => {
    const abort = () => {
      socket.destroy();
      resolve(undefined);
    };
    options.signal?.addEventListener('abort', abort, { once: true });
    onLines(socket, (line) => {
      const frame = decodeLine(line) as Frame<Op>;
      switch (frame.type) {
        case 'progress':
          options.onProgress?.(frame.text);
          break;
        case 'item':
          options.onItem?.(frame.item);
          break;
        case 'result':
          resolve(frame.result);
          break;
        case 'error':
          reject(new BulkheadError(frame.diagnostics));
          break;
      }
    });
    socket.on('error', (error) => reject(died(lab, error)));
    // After a result or an error this changes nothing any more: a promise settles once.
    socket.on('close', () => reject(died(lab)));
    socket.write(encodeLine(envelope));
  }).finally(() => socket.destroy());
}

/** Whether a daemon answers. */
export async function isLabAlive(lab: string): Promise<boolean> {
  const socket = await tryConnect(labPaths(lab).socket);
  socket?.destroy();
  return socket !== undefined;
}

async function connectToLab(lab: string): Promise<Socket> {
  const paths = labPaths(lab);
  const socket = await tryConnect(paths.socket);
  if (socket) return socket;
  throw existsSync(paths.directory) ? daemonDead(lab) : notUp(lab);
}

/** Undefined if nobody listens there. */
async function tryConnect(path: string): Promise<Socket | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(socket));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(undefined);
      else if (error.code === 'EACCES') reject(notAllowed(path));
      else reject(error);
    });
  });
}

function nameOption(lab: string): string {
  return lab === 'default' ? '' : ` --name ${lab}`;
}

function notUp(lab: string): BulkheadError {
  return new BulkheadError(
    failure('LAB_NOT_UP', `there is no lab "${lab}"`, {
      hint: `Start it with \`bulkhead lab up PATH…${nameOption(lab)}\`; \`bulkhead lab list\` shows those that are up.`,
    }),
  );
}

function daemonDead(lab: string): BulkheadError {
  return new BulkheadError(
    failure(
      'LAB_DAEMON_DEAD',
      `the daemon of lab "${lab}" is dead; the kernel still enforces the policies that it last had, but nothing can be changed`,
      {
        hint: `Take it away with \`bulkhead lab down${nameOption(lab)}\`, or replace it with \`bulkhead lab up\`. Why it died: ${labPaths(lab).log}`,
      },
    ),
  );
}

function died(lab: string, cause?: Error): BulkheadError {
  return new BulkheadError(
    failure('LAB_DAEMON_DIED', `the daemon of lab "${lab}" went away before it answered`, {
      hint: `See ${labPaths(lab).log}, then take the lab down with \`bulkhead lab down${nameOption(lab)}\`.`,
    }),
    { cause },
  );
}

function notAllowed(path: string): BulkheadError {
  return new BulkheadError(
    failure('LAB_NOT_ROOT', `${path}: permission denied`, {
      hint: 'Labs belong to root: run the command with sudo.',
    }),
  );
}
