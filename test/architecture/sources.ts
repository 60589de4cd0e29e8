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
  /** Those of them that are imported when the program runs. */
  readonly runtimeImports: readonly string[];
}

// Strings are single-quoted throughout (prettier sees to that), so that static, dynamic and re-exporting imports all
// have one of these shapes.
const importPattern = /\b(?:from|import)\s*\(?\s*'(\.[^']*)'/g;
const typeImportPattern = /^(?:import|export) type\s[^;]*;/gm;
const commentPattern = /^\s*(?:\/\*[\s\S]*?\*\/|\/\/.*$)/gm;

function importsIn(path: string, text: string): string[] {
  return [...text.matchAll(importPattern)].map((match) =>
    normalize(join(dirname(path), match[1] ?? ''))
      .split(sep)
      .join('/'),
  );
}

/** A source file from its text; relative imports are resolved against its path. */
export function sourceFile(path: string, text: string): SourceFile {
  const code = text.replaceAll(commentPattern, '');
  return {
    path,
    text,
    imports: importsIn(path, code),
    runtimeImports: importsIn(path, code.replaceAll(typeImportPattern, '')),
  };
}

/** All `.ts` files below a folder of the repository, sorted by path. */
export function readSources(folder: string): SourceFile[] {
  const root = join(repository, folder);
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => {
      const file = join(entry.parentPath, entry.name);
      const path = relative(repository, file).split(sep).join('/');
      return sourceFile(path, readFileSync(file, 'utf8'));
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}
