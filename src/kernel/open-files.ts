/** The limit of open files of this process. */
import { checked, libc } from './libc.ts';

const getrlimit: (resource: number, limits: Uint8Array) => number = libc.func('int getrlimit(int, void *)');
const setrlimit: (resource: number, limits: Uint8Array) => number = libc.func(
  'int setrlimit(int, const void *)',
);

const RLIMIT_NOFILE = 7;

/** Raises the soft limit to the hard one and gives it. */
export function raiseOpenFileLimit(): number {
  const limits = Buffer.alloc(16);
  checked('getrlimit', getrlimit(RLIMIT_NOFILE, limits));
  const hard = limits.readBigUInt64LE(8);
  limits.writeBigUInt64LE(hard, 0);
  checked('setrlimit', setrlimit(RLIMIT_NOFILE, limits));
  return Number(hard);
}
