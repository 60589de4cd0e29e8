/** flock(2): a lock that dies with its holders, whatever way they die. */
import { closeSync, fstatSync, openSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { errno, libc, SystemCallError } from './libc.ts';

const flock: (fd: number, operation: number) => number = libc.func('int flock(int, int)');

const LOCK_EX = 2;
const LOCK_NB = 4;

/**
 * Tries to lock a file, making it if need be. Gives the descriptor that holds the lock until it and every copy that
 * child processes inherited are closed; undefined when another process holds it.
 */
export function tryLock(path: string): number | undefined {
  const fd = openSync(path, 'a', 0o600);
  if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
    const failed = errno();
    closeSync(fd);
    if (failed === constants.errno.EWOULDBLOCK) return undefined;
    throw new SystemCallError(`flock ${path}`, failed);
  }
  // The holder before us may have removed the file while we waited to open it: that lock guards nothing.
  if (statSync(path, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino) return fd;
  closeSync(fd);
  return tryLock(path);
}
