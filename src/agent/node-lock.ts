/** One agent per node: who holds the lock of the run directory may change the node's kernel. */
import { BulkheadError, failure } from '../errors.ts';
import { tryLock } from '../kernel/file-lock.ts';

/** Gives its descriptor; whoever dies lets go of it. Throws BulkheadError AGENT_ALREADY_RUNNING. */
export function lockNode(path: string): number {
  const lock = tryLock(path);
  if (lock !== undefined) return lock;
  throw new BulkheadError(
    failure('AGENT_ALREADY_RUNNING', `another agent holds ${path}`, {
      hint: 'One agent per node: end the other one, or give this one another --run-dir if it serves another node.',
    }),
  );
}
