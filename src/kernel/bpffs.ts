/** The BPF file system, whose files keep maps and links alive without a process. */
import { mkdirSync, statfsSync } from 'node:fs';
import { mountFileSystem } from './mount.ts';

const BPF_FS_MAGIC = 0xcafe4a11;

/** Whether the directory exists and lies in a BPF file system. */
export function isBpffs(directory: string): boolean {
  const found = statfsSync(directory, { bigint: false });
  return found.type === BPF_FS_MAGIC;
}

/** Makes the directory, and mounts a BPF file system on it unless it lies in one already. Needs root. */
export function ensureBpffs(directory: string): void {
  mkdirSync(directory, { recursive: true });
  if (!isBpffs(directory)) mountFileSystem('bpf', directory);
}
