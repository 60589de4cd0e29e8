/** The directory of sockets, claims and the lock: made if need be, for root only. */
import { accessSync, constants, mkdirSync } from 'node:fs';
import { BulkheadError, failure } from '../errors.ts';

/** Throws BulkheadError AGENT_RUN_DIRECTORY where nothing can be written. */
export function prepareRunDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    accessSync(path, constants.W_OK);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BulkheadError(
      failure('AGENT_RUN_DIRECTORY', `nothing can be written in the run directory ${path}: ${reason}`, {
        hint: 'Name a directory on a file system that is writable with --run-dir.',
      }),
      { cause },
    );
  }
}
