/** Whether the kernel still runs and keeps what a generation put there. */
import { closeSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { createNetfilterLink, linkPriority } from '../../kernel/bpf.ts';
import { SystemCallError } from '../../kernel/libc.ts';
import { inNetns } from '../../kernel/netns.ts';
import type { Drift } from '../datapath.ts';
import { hooks, linkPrefix, pinNames } from './generations.ts';
import type { AttachedGeneration } from './generations.ts';
import { programNames } from './object.ts';
import type { LoadedObject, ProgramName } from './object.ts';

export interface Generation extends AttachedGeneration {
  readonly object: LoadedObject;
  readonly netns: string;
}

export function auditGeneration(generation: Generation): Drift[] {
  const { directory } = generation;
  const missing = pinNames.filter((name) => !existsSync(join(directory, name)));
  const idle = programNames.filter((name) => !isInHook(generation, name));
  return [
    ...missing.map((name): Drift => ({ kind: 'pin', detail: `${join(directory, name)} is gone` })),
    ...idle.map((name): Drift => ({ kind: 'program', detail: `the program ${name} is not in its hook` })),
  ];
}

/** The part of it that enforcement hangs on, at some 50 µs. */
export function isIntact(generation: Generation): boolean {
  return programNames.every(
    (name) => existsSync(join(generation.directory, `${linkPrefix}${name}`)) && isInHook(generation, name),
  );
}

/**
 * Two links can't have one priority at a hook: where another one finds room, ours is not there. The kernel has no other
 * way to ask that needs no option of its build.
 */
function isInHook({ object, netns, links }: Generation, name: ProgramName): boolean {
  const link = links.get(name);
  if (link === undefined) return false;
  try {
    const priority = linkPriority(link);
    closeSync(inNetns(netns, () => createNetfilterLink(object.programs[name], { ...hooks[name], priority })));
    return false;
  } catch (error) {
    if (error instanceof SystemCallError && error.code === 'EBUSY') return true;
    throw error;
  }
}
