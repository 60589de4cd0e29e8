/** Objects built from sources in which something was changed on purpose. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const hasClang = spawnSync('clang', ['--version']).status === 0;

/** In `file`, the one place that reads `from` becomes `to`. */
export interface SourceChange {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** Builds an object with these changes and hands its path to `use`; gone afterwards. */
export async function withObject<T>(
  changes: readonly SourceChange[],
  use: (objectPath: string) => T | Promise<T>,
): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'bulkhead-bpf-'));
  try {
    const source = join(directory, 'bpf');
    cpSync('bpf', source, { recursive: true });
    for (const change of changes) apply(source, change);
    const object = join(directory, 'bulkhead.bpf.o');
    // The sources as they are must not even make the compiler frown.
    const env = { ...process.env, BPF_CFLAGS: changes.length === 0 ? '-Werror' : '' };
    execFileSync('scripts/build-bpf.sh', [source, object], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    return await use(object);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function apply(source: string, { file, from, to }: SourceChange): void {
  const path = join(source, file);
  const text = readFileSync(path, 'utf8');
  const places = text.split(from).length - 1;
  if (places !== 1) throw new Error(`${file} has ${places} places, not one, that read: ${from}`);
  writeFileSync(
    path,
    text.replace(from, () => to),
  );
}
