/**
 * The C library of this process, by koffi: the few system calls that Node.js does not offer. Every call here is
 * synchronous and short; foreign threads and callbacks are never used.
 */
import koffi from 'koffi';
import { getSystemErrorMessage, getSystemErrorName } from 'node:util';

/** Symbols of the running process, which is linked to libc already, be it glibc or musl. */
export const libc = koffi.load(null);

/** A system call that failed; `code` is the symbolic errno (`EBUSY`), as on Node's own errors. */
export class SystemCallError extends Error {
  override readonly name = 'SystemCallError';
  readonly code: string;
  readonly errno: number;

  constructor(call: string, number: number) {
    super(`${call}: ${getSystemErrorMessage(-number)} (${getSystemErrorName(-number)})`);
    this.code = getSystemErrorName(-number);
    this.errno = number;
  }
}

/** The errno that the last call of this thread left; read it before anything else runs. */
export function errno(): number {
  return koffi.errno();
}

/** Passes a non-negative result through and throws for a negative one. `call` says what was tried, for the message. */
export function checked(call: string, result: number): number {
  if (result < 0) throw new SystemCallError(call, errno());
  return result;
}
