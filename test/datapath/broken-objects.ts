/** Objects built from sources in which something was changed on purpose. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { changed } from '../seeded-bugs/seeded-bug.ts';
import type { SourceChange } from '../seeded-bugs/seeded-bug.ts';

export const hasClang = spawnSync('clang', ['--version']).status === 0;

/** Builds an object with these changes and hands its path to `use`; gone afterwards. */
export async function withObject<T>(
  changes: readonly SourceChange[],
  use: (objectPath: string) => T | Promise<T>,
): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'bulkhead-bpf-'));
  try {
    const source = join(directory, 'bpf');
    cpSync('bpf', source, { recursive: true });
    for (const change of changes) {
      const path = join(directory, change.file);
      writeFileSync(path, changed(readFileSync(path, 'utf8'), change));
    }
    const object = join(directory, 'bulkhead.bpf.o');
    // The sources as they are must not even make the compiler frown.
    const env = { ...process.env, BPF_CFLAGS: changes.length === 0 ? '-Werror' : '' };
    execFileSync('scripts/build-bpf.sh', [source, object], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    return await use(object);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
