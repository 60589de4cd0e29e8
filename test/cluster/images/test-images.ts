/** The images that a cluster begins with, under the names that Kubernetes and its own test suite use. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, realpathSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { agnhostImage } from '../../../src/conformance/cluster/image.ts';
import { sharedLibraries } from '../../../scripts/image/shared-libraries.ts';
import { cacheFolder } from '../parts/cache.ts';
import { run } from '../process/run.ts';
import { writeImageArchive } from './archive.ts';

export const pauseImage = 'registry.k8s.io/pause:3.10.1';

/** The pause program, static; compiled once. */
export async function pauseProgram(): Promise<string> {
  const source = join(import.meta.dirname, 'pause.c');
  const program = join(cacheFolder(), 'images', `pause-${digestOf([source])}`);
  if (!existsSync(program)) {
    mkdirSync(join(cacheFolder(), 'images'), { recursive: true });
    const unfinished = `${program}.${process.pid}`;
    await run('clang', ['-Os', '-Wall', '-Wextra', '-Werror', '-static', '-s', '-o', unfinished, source]);
    renameSync(unfinished, program);
  }
  return program;
}

/** The archives to import, made once for these programs. */
export async function testImageArchives(pause: string, agnhost: string): Promise<string[]> {
  return Promise.all([
    archive(pauseImage, '/pause', { '/pause': pause }),
    archive(agnhostImage, '/agnhost', { '/agnhost': agnhost, ...bashFiles() }),
  ]);
}

/** Upstream's image has it, too: conformance sends its probes by it. */
function bashFiles(): Readonly<Record<string, string>> {
  const bash = '/bin/bash';
  const paths = [bash, ...sharedLibraries([bash])];
  return Object.fromEntries(paths.map((path) => [path, realpathSync(path)]));
}

async function archive(
  reference: string,
  entrypoint: string,
  files: Readonly<Record<string, string>>,
): Promise<string> {
  const digest = digestOf(Object.values(files));
  const name = `${reference.replaceAll(/[^a-z0-9.-]/g, '_')}-${digest}.tar`;
  const path = join(cacheFolder(), 'images', name);
  if (!existsSync(path)) await writeImageArchive({ reference, files, entrypoint: [entrypoint] }, path);
  return path;
}

function digestOf(paths: readonly string[]): string {
  const hash = createHash('sha256');
  for (const path of paths) hash.update(readFileSync(path));
  return hash.digest('hex').slice(0, 12);
}
