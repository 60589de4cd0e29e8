/**
 * The binaries, built once for all checkouts of a user: ~/.cache/bulkhead/cluster-parts/GROUP-VERSION-DIGEST/NAME. A binary
 * appears under its name whole or not at all, so that whoever finds it can use it.
 */
import { spawn } from 'node:child_process';
import {
  accessSync,
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { tryLock } from '../../../src/kernel/file-lock.ts';
import { partNamed, type Part, type PartName } from './catalogue.ts';

/** Told what takes long. */
export type Progress = (text: string) => void;

export function cacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'bulkhead', 'cluster-parts');
}

/**
 * The path of a part that is there already: in the folder of KUBEBUILDER_ASSETS, as the tools of other projects use it,
 * or in the cache.
 */
export function findPart(name: PartName): string | undefined {
  const assets = process.env.KUBEBUILDER_ASSETS;
  const candidates = [...(assets ? [join(assets, name)] : []), cachedPath(partNamed(name))];
  return candidates.find(isExecutable);
}

/** Those of the parts that would have to be built. */
export function missingParts(names: readonly PartName[]): PartName[] {
  return names.filter((name) => findPart(name) === undefined);
}

/** Finds each part, or builds it: that takes minutes and needs Go and a way to the Go modules. */
export async function ensureParts<Name extends PartName>(
  names: readonly Name[],
  progress: Progress,
): Promise<Readonly<Record<Name, string>>> {
  const paths: [Name, string][] = [];
  for (const name of names)
    paths.push([name, findPart(name) ?? (await buildAlone(partNamed(name), progress))]);
  return Object.fromEntries(paths) as Record<Name, string>;
}

function cachedPath(part: Part): string {
  return join(cacheFolder(), part.cacheKey, part.name);
}

/** One process builds at a time: two would only take the processors and the memory from each other. */
async function buildAlone(part: Part, progress: Progress): Promise<string> {
  mkdirSync(cacheFolder(), { recursive: true });
  const lock = await waitForLock(join(cacheFolder(), 'lock'), progress);
  try {
    return findPart(part.name) ?? (await build(part, progress));
  } finally {
    closeSync(lock);
  }
}

const buildPrefix = 'building-';

async function build(part: Part, progress: Progress): Promise<string> {
  const started = performance.now();
  progress(`building ${part.name} ${part.version} from Go modules`);
  // Nobody else builds while we hold the lock: what is half built was left by somebody who was killed.
  for (const name of readdirSync(cacheFolder())) {
    if (name.startsWith(buildPrefix)) rmSync(join(cacheFolder(), name), { recursive: true });
  }
  const folder = mkdtempSync(join(cacheFolder(), buildPrefix));
  try {
    const built = join(folder, part.name);
    const flags = ['-trimpath', '-tags', part.tags, '-ldflags', part.linkerFlags];
    await runGo(['build', ...flags, '-o', built, part.package], part);
    mkdirSync(join(cacheFolder(), part.cacheKey), { recursive: true });
    renameSync(built, cachedPath(part));
  } finally {
    rmSync(folder, { recursive: true });
  }
  progress(`built ${part.name} in ${((performance.now() - started) / 1000).toFixed(0)} s`);
  return cachedPath(part);
}

async function runGo(args: readonly string[], part: Part): Promise<void> {
  const child = spawn('go', args, {
    cwd: part.moduleFolder,
    env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly -buildvcs=false', GOWORK: 'off' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
  await new Promise<void>((resolve, reject) => {
    child.on('error', (cause: NodeJS.ErrnoException) => {
      const hint = cause.code === 'ENOENT' ? 'Go is needed to build it: https://go.dev/dl' : cause.message;
      reject(new Error(`${part.name} cannot be built. ${hint}`, { cause }));
    });
    child.on('close', (code) => {
      if (code === 0) resolve();
      else
        reject(new Error(`go ${args.join(' ')} ended with ${code} in ${part.moduleFolder}:\n${complaint}`));
    });
  });
}

async function waitForLock(path: string, progress: Progress): Promise<number> {
  let lock = tryLock(path);
  if (lock === undefined) progress('another process builds parts of a cluster; waiting for it');
  while (lock === undefined) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    lock = tryLock(path);
  }
  return lock;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
