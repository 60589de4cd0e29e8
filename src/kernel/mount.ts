/** mount(2) and umount(2), and what is mounted where. */
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { checked, errno, libc, SystemCallError } from './libc.ts';

const rawMount: (source: string, target: string, type: string, flags: number, data: string | null) => number =
  libc.func('int mount(const char *, const char *, const char *, unsigned long, const char *)');
const rawUnmount: (target: string, flags: number) => number = libc.func('int umount2(const char *, int)');

const MS_BIND = 0x1000;
const MS_REC = 0x4000;
const MS_SHARED = 0x100000;
const MNT_DETACH = 2;

/** Makes `source` appear at `target`, which must exist. */
export function bindMount(source: string, target: string): void {
  checked(`mount --bind ${source} ${target}`, rawMount(source, target, 'none', MS_BIND, null));
}

/** Mounts a file system without a device, e.g. `bpf`, on an existing directory. */
export function mountFileSystem(type: string, target: string): void {
  checked(`mount -t ${type} ${target}`, rawMount(type, target, type, 0, null));
}

/**
 * Makes a directory a shared mount point, so that mounts made and undone below it are seen by mount namespaces
 * that were copied from ours. iproute2 does the same to /run/netns.
 */
export function makeSharedMount(directory: string): void {
  if (rawMount('', directory, 'none', MS_SHARED | MS_REC, null) === 0) return;
  const failed = errno();
  if (failed !== constants.errno.EINVAL)
    throw new SystemCallError(`mount --make-shared ${directory}`, failed);
  checked(`mount --rbind ${directory}`, rawMount(directory, directory, 'none', MS_BIND | MS_REC, null));
  checked(`mount --make-shared ${directory}`, rawMount('', directory, 'none', MS_SHARED | MS_REC, null));
}

/** Takes away every mount that is stacked on `target`, at once, even if busy. Nothing mounted: does nothing. */
export function unmountAll(target: string): void {
  while (rawUnmount(target, MNT_DETACH) === 0);
  const failed = errno();
  if (failed === constants.errno.EINVAL || failed === constants.errno.ENOENT) return;
  throw new SystemCallError(`umount ${target}`, failed);
}

/** Mount points at or below `directory`, deepest first. */
export function mountsBelow(directory: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => unescapeOctal(line.split(' ')[4] ?? ''))
    .filter((path) => path === directory || path.startsWith(`${directory}/`))
    .toReversed();
}

/** mountinfo writes space, tab, newline and backslash as \ooo. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}
