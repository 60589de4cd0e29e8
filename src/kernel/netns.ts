/**
 * Network namespaces, kept alive by bind mounts as iproute2 does it (/run/netns/NAME), so that `ip netns` sees them.
 *
 * setns(2) and unshare(2) act on the calling thread. Everything here is synchronous on the main thread and puts the
 * thread back before it returns, so code outside never notices. What runs inside must be synchronous too: sockets
 * and child processes made inside stay in the namespace, and /proc/sys/net shows it.
 */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { checked, libc } from './libc.ts';
import { bindMount, makeSharedMount, unmountAll } from './mount.ts';

const setns: (fd: number, type: number) => number = libc.func('int setns(int, int)');
const unshare: (flags: number) => number = libc.func('int unshare(int)');

const CLONE_NEWNET = 0x40000000;
const NSFS_MAGIC = 0x6e736673;
const threadNetns = '/proc/thread-self/ns/net';

/**
 * Runs `inside` in the network namespace at `path` and gives back its result. Where the thread is there already, nothing
 * is entered: that would take CAP_SYS_ADMIN, which an agent in its node's namespace can do without.
 */
export function inNetns<T>(path: string, inside: () => T): T {
  if (netnsIdentity(path) === netnsIdentity(threadNetns)) return inside();
  const target = openSync(path, 'r');
  try {
    return withHome((home) => {
      checked(`setns ${path}`, setns(target, CLONE_NEWNET));
      return comingBack(home, inside);
    });
  } finally {
    closeSync(target);
  }
}

/**
 * Makes a new network namespace, names it by a mount at `path`, and runs `inside` in it while the thread is there.
 * A plain file that a crash left at `path` is taken over; a living namespace there is an error (EEXIST).
 */
export function createNetns(path: string, inside: () => void = () => undefined): void {
  if (isNetns(path)) throw new Error(`${path} is a network namespace already`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, '', { mode: 0o444 });
  withHome((home) => {
    checked('unshare(CLONE_NEWNET)', unshare(CLONE_NEWNET));
    comingBack(home, () => {
      bindMount(threadNetns, path);
      inside();
    });
  });
}

/** Prepares the directory that names namespaces as `ip netns add` does; harmless when done already. */
export function prepareNetnsDirectory(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  makeSharedMount(directory);
}

/** Takes the name away; the kernel frees the namespace when no process or socket holds it any more. */
export function deleteNetns(path: string): void {
  unmountAll(path);
  rmSync(path, { force: true });
}

/** Whether `path` names a network namespace (and is no mere leftover file). */
export function isNetns(path: string): boolean {
  return existsSync(path) && statfsSync(path).type === NSFS_MAGIC;
}

/** Equal for two paths exactly when they name one namespace: device and inode of the nsfs file. */
export function netnsIdentity(path: string): string {
  const { dev, ino } = statSync(path, { bigint: true });
  return `${dev}:${ino}`;
}

function withHome<T>(action: (home: number) => T): T {
  const home = openSync(threadNetns, 'r');
  try {
    return action(home);
  } finally {
    closeSync(home);
  }
}

function comingBack<T>(home: number, inside: () => T): T {
  try {
    return inside();
  } finally {
    checked('setns back to the own network namespace', setns(home, CLONE_NEWNET));
  }
}
