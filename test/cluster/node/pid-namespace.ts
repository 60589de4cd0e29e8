/**
 * Starts processes in another process namespace. setns(2) and unshare(2) change where the calling thread's children are
 * born; everything here is synchronous on the main thread and changes it back before it returns.
 */
import { closeSync, openSync } from 'node:fs';
import { checked, libc } from '../../../src/kernel/libc.ts';

const setns: (fd: number, type: number) => number = libc.func('int setns(int, int)');
const unshare: (flags: number) => number = libc.func('int unshare(int)');

const CLONE_NEWPID = 0x20000000;

/** What `start` spawns becomes the first process of a new namespace: when it ends, the kernel kills all others in it. */
export function inNewPidNamespace<T>(start: () => T): T {
  return comingBack(() => checked('unshare(CLONE_NEWPID)', unshare(CLONE_NEWPID)), start);
}

/** What `start` spawns belongs to the namespace of that process. */
export function inPidNamespaceOf<T>(pid: number, start: () => T): T {
  return comingBack(() => enter(`/proc/${pid}/ns/pid`), start);
}

function comingBack<T>(go: () => unknown, start: () => T): T {
  go();
  try {
    return start();
  } finally {
    enter('/proc/thread-self/ns/pid');
  }
}

function enter(path: string): void {
  const fd = openSync(path, 'r');
  try {
    checked(`setns ${path}`, setns(fd, CLONE_NEWPID));
  } finally {
    closeSync(fd);
  }
}
