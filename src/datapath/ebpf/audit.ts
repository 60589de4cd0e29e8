/** Whether the kernel still runs and keeps what a generation put there. */
import { closeSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { createNetfilterLink, linkPriority } from '../../kernel/bpf.ts';
import { libbpf } from '../../kernel/libbpf.ts';
import { SystemCallError } from '../../kernel/libc.ts';
import { inNetns } from '../../kernel/netns.ts';
import type { Drift } from '../datapath.ts';
import { hooks, linkPrefix, pinnedGenerations, pinNames } from './generations.ts';
import { programNames } from './object.ts';
import type { LoadedObject, ProgramName } from './object.ts';

export interface Generation {
  readonly object: LoadedObject;
  readonly netns: string;
  readonly pinDir: string;
}

export function auditGeneration(generation: Generation): Drift[] {
  const { pinDir } = generation;
  const directory = join(pinDir, String(pinnedGenerations(pinDir).at(-1) ?? 0));
  const missing = pinNames.filter((name) => !existsSync(join(directory, name)));
  const idle = programNames.filter((name) => !isInHook(generation, directory, name));
  return [
    ...missing.map((name): Drift => ({ kind: 'pin', detail: `${join(directory, name)} is gone` })),
    ...idle.map((name): Drift => ({ kind: 'program', detail: `the program ${name} is not in its hook` })),
  ];
}

/**
 * Two links can't have one priority at a hook: where another one finds room, ours is not there. The kernel has no other
 * way to ask that needs no option of its build.
 */
function isInHook({ object, netns }: Generation, directory: string, name: ProgramName): boolean {
  const link = libbpf().get(join(directory, `${linkPrefix}${name}`));
  if (link < 0) return false;
  try {
    const priority = linkPriority(link);
    closeSync(inNetns(netns, () => createNetfilterLink(object.programs[name], { ...hooks[name], priority })));
    return false;
  } catch (error) {
    if (error instanceof SystemCallError && error.code === 'EBUSY') return true;
    throw error;
  } finally {
    closeSync(link);
  }
}
