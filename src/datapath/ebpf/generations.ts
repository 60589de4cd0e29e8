/**
 * What keeps enforcement alive without a process: under the pin directory one numbered directory per generation, with
 * the maps and the links of one set of programs. Ids mean something only to the process that compiled them, so a new
 * process never adopts old tables: it makes the next generation, fills it, puts it into the hooks beside the old one
 * (a packet then needs both verdicts, the safe side), and only then takes the old one out.
 */
import { closeSync, existsSync, mkdirSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { BulkheadError, failure } from '../../errors.ts';
import {
  closeAll,
  createNetfilterLink,
  detachLink,
  NF_INET_FORWARD,
  NF_INET_LOCAL_IN,
  NFPROTO_IPV4,
  NFPROTO_IPV6,
} from '../../kernel/bpf.ts';
import type { NetfilterHook } from '../../kernel/bpf.ts';
import { isBpffs } from '../../kernel/bpffs.ts';
import { libbpf } from '../../kernel/libbpf.ts';
import { SystemCallError } from '../../kernel/libc.ts';
import { inNetns } from '../../kernel/netns.ts';
import { mapNames, programNames } from './object.ts';
import type { LoadedObject, ProgramName } from './object.ts';

export const hooks: Readonly<Record<ProgramName, Omit<NetfilterHook, 'priority'>>> = {
  forward4: { family: NFPROTO_IPV4, hook: NF_INET_FORWARD },
  forward6: { family: NFPROTO_IPV6, hook: NF_INET_FORWARD },
  local_in4: { family: NFPROTO_IPV4, hook: NF_INET_LOCAL_IN },
  local_in6: { family: NFPROTO_IPV6, hook: NF_INET_LOCAL_IN },
};

/** Just after the filter chains of others (0), far before SNAT (100). */
const firstPriority = 10;
/** One old generation, one new, and what crashes may have left. */
const priorities = 8;

export const linkPrefix = 'link_';

/** The files of a generation. */
export const pinNames: readonly string[] = [
  ...mapNames,
  ...programNames.map((name) => `${linkPrefix}${name}`),
];

/** Makes the pin directory. Throws BulkheadError DATAPATH_PIN_DIRECTORY. */
export function preparePinDirectory(pinDir: string): void {
  mkdirSync(pinDir, { recursive: true });
  if (isBpffs(pinDir)) return;
  throw new BulkheadError(
    failure('DATAPATH_PIN_DIRECTORY', `${pinDir} is not in a BPF file system`, {
      hint: `Mount one: mount -t bpf bpf ${pinDir}`,
    }),
  );
}

/** Numbers of the generations that are pinned now, ascending. */
export function pinnedGenerations(pinDir: string): number[] {
  if (!existsSync(pinDir)) return [];
  return readdirSync(pinDir)
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

/** One that is in the hooks. */
export interface AttachedGeneration {
  /** Of its pins. */
  readonly directory: string;
  /** Descriptors, which keep the programs in their hooks even where the pins are deleted. */
  readonly links: ReadonlyMap<ProgramName, number>;
}

/**
 * Pins the maps and puts the programs into the hooks of the network namespace, as the generation after all that are
 * pinned. All four or none. Throws BulkheadError DATAPATH_ATTACH_FAILED.
 */
export function attachGeneration(options: {
  readonly object: LoadedObject;
  readonly netns: string;
  readonly pinDir: string;
}): AttachedGeneration {
  const { object, netns, pinDir } = options;
  const generation = claimGeneration(pinDir);
  const directory = join(pinDir, String(generation));
  const links = new Map<ProgramName, number>();
  try {
    for (const name of mapNames) pin(object.maps[name].fd, join(directory, name));
    inNetns(netns, () => {
      for (const name of programNames) {
        const link = linkAtFreePriority(object.programs[name], hooks[name]);
        links.set(name, link);
        pin(link, join(directory, `${linkPrefix}${name}`));
      }
    });
    return { directory, links };
  } catch (cause) {
    closeAll(links.values());
    removeGeneration(pinDir, generation);
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new BulkheadError(
      failure('DATAPATH_ATTACH_FAILED', `the programs can't be put into the hooks of ${netns}: ${message}`, {
        hint: 'The kernel needs CONFIG_NETFILTER_BPF_LINK=y; see which programs are there: bpftool link',
      }),
      { cause },
    );
  }
}

/** Lets go of a generation, which goes on without this process: links whose pins were deleted are pinned again. */
export function leaveGeneration({ directory, links }: AttachedGeneration): void {
  for (const [name, link] of links) {
    const path = join(directory, `${linkPrefix}${name}`);
    try {
      mkdirSync(directory, { recursive: true });
      if (!existsSync(path)) pin(link, path);
    } catch {
      // There is no BPF file system any more: whoever makes the next generation says so.
    } finally {
      closeSync(link);
    }
  }
}

/** Makes the directory of the next generation, which is then nobody else's: others may be at the same. */
function claimGeneration(pinDir: string): number {
  for (let generation = (pinnedGenerations(pinDir).at(-1) ?? 0) + 1; ; generation++) {
    try {
      mkdirSync(join(pinDir, String(generation)));
      return generation;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** Takes a generation's programs out of the hooks, at once, and removes its pins. */
export function removeGeneration(pinDir: string, generation: number): void {
  const directory = join(pinDir, String(generation));
  if (!existsSync(directory)) return;
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    if (name.startsWith(linkPrefix)) detachPinned(path);
    unlinkSync(path);
  }
  rmdirSync(directory);
}

/** The namespace may be gone already: then so is the link's effect. */
function detachPinned(path: string): void {
  const link = libbpf().get(path);
  if (link < 0) return;
  try {
    detachLink(link);
  } finally {
    closeSync(link);
  }
}

function linkAtFreePriority(program: number, hook: Omit<NetfilterHook, 'priority'>): number {
  for (let priority = firstPriority; ; priority++) {
    try {
      return createNetfilterLink(program, { ...hook, priority });
    } catch (error) {
      const taken = error instanceof SystemCallError && error.code === 'EBUSY';
      if (!taken || priority === firstPriority + priorities - 1) throw error;
    }
  }
}

function pin(fd: number, path: string): void {
  const result = libbpf().pin(fd, path);
  if (result < 0) throw new SystemCallError(`pin ${path}`, -result);
}
