/** Servers of the agent: on a TCP port, or on a Unix socket that only its owner, root, may open. */
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import type { Server } from 'node:net';
import { dirname } from 'node:path';
import { BulkheadError, failure } from '../errors.ts';

export type Listen = { readonly port: number; readonly host?: string } | { readonly path: string };

/** Throws BulkheadError AGENT_NOT_LISTENING. */
export async function listen(server: Server, where: Listen): Promise<void> {
  try {
    await open(server, where);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BulkheadError(
      failure('AGENT_NOT_LISTENING', `the agent can not be asked: ${reason}`, {
        hint: 'End whatever has this address, or choose another one with --health-port, --health-address or --run-dir.',
      }),
      { cause },
    );
  }
}

async function open(server: Server, where: Listen): Promise<void> {
  if ('path' in where) {
    mkdirSync(dirname(where.path), { recursive: true, mode: 0o700 });
    rmSync(where.path, { force: true });
  }
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    // Nobody but the owner, from the first moment on.
    const mask = process.umask(0o177);
    server.listen(where, resolve);
    process.umask(mask);
  });
  if ('path' in where) chmodSync(where.path, 0o600);
}
