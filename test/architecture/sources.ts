/** What the architecture tests look at: the files under src/ and what each of them imports. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repository = fileURLToPath(new URL('../..', import.meta.url));

export interface SourceFile {
  /** Relative to the repository, with `/`: `src/policy/ir.ts`. */
  readonly path: string;
  readonly text: string;
  /** Files of the repository that it imports (type imports too), as paths like `path`. */
  readonly imports: readonly string[];
}

// Strings are single-quoted throughout (prettier sees to that), so that static, dynamic and re-exporting imports all
// have one of these two shapes.
const importPattern = /\b(?:from|import)\s*\(?\s*'(\.[^']*)'/g;

/** The relative imports of one file's text, resolved against its path. */
export function importsOf(path: string, text: string): string[] {
  return [...text.matchAll(importPattern)].map((match) =>
    normalize(join(dirname(path), match[1] ?? ''))
      .split(sep)
      .join('/'),
  );
}

/** All `.ts` files below a folder of the repository, sorted by path. */
export function readSources(folder: string): SourceFile[] {
  const root = join(repository, folder);
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => {
      const file = join(entry.parentPath, entry.name);
      const path = relative(repository, file).split(sep).join('/');
      const text = readFileSync(file, 'utf8');
      return { path, text, imports: importsOf(path, text) };
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}
