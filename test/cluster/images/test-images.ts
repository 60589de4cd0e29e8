/** The images that a cluster begins with, under the names that Kubernetes and its own test suite use. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../parts/cache.ts';
import { run } from '../process/run.ts';
import { writeImageArchive } from './archive.ts';

export const pauseImage = 'registry.k8s.io/pause:3.10.1';
/** Test server and client in one: `netexec`, `connect HOST:PORT`, `serve-hostname`, `porter`. */
export const agnhostImage = 'registry.k8s.io/e2e-test-images/agnhost:2.63.0';

/** The pause program, static; compiled once. */
export async function pauseProgram(): Promise<string> {
  const source = join(import.meta.dirname, 'pause.c');
  const program = join(cacheFolder(), 'images', `pause-${digestOf(source)}`);
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
  const archive = async (reference: string, inside: string, program: string): Promise<string> => {
    const name = `${reference.replaceAll(/[^a-z0-9.-]/g, '_')}-${digestOf(program)}.tar`;
    const path = join(cacheFolder(), 'images', name);
    if (!existsSync(path)) {
      await writeImageArchive({ reference, files: { [inside]: program }, entrypoint: [inside] }, path);
    }
    return path;
  };
  return Promise.all([archive(pauseImage, '/pause', pause), archive(agnhostImage, '/agnhost', agnhost)]);
}

function digestOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 12);
}
