/** Paths as users name them → the text of manifest files. */
import { globSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { failure, warning, type Diagnostic } from '../errors.ts';
import type { TextFile } from './documents.ts';
import { decodeText } from './text.ts';

const manifestName = /\.(ya?ml|json)$/i;
/** Bytes. Positions need the syntax tree of a document in memory, some seventy times its text. */
const maxFileSize = 32 * 1024 * 1024;

export interface ReadOptions {
  /** What `-` stands for. */
  readonly stdin?: string;
  /** Collects what can't be read. */
  readonly diagnostics: Diagnostic[];
}

/** The files behind files, folders (recursively), globs and `-`: each once, in the order named, folders sorted. */
export function readFiles(paths: readonly string[], options: ReadOptions): TextFile[] {
  const { diagnostics, stdin = '' } = options;
  const seen = new Set<string>();
  const names = paths.flatMap((path) => (path === '-' ? ['-'] : findFiles(path, diagnostics)));
  return names.flatMap((name) => {
    const identity = name === '-' ? name : realPath(name);
    if (seen.has(identity)) return [];
    seen.add(identity);
    const bytes = name === '-' ? Buffer.from(stdin) : readBytes(name, diagnostics);
    const text = bytes && decodeText(name, bytes, diagnostics);
    return text === undefined ? [] : [{ name, text }];
  });
}

/** The files that a path or glob names; folders give the manifests below them. */
function findFiles(path: string, diagnostics: Diagnostic[]): string[] {
  const kind = kindOf(path);
  // A named pipe is what the shell's <(helm template …) gives.
  if (kind === 'file' || kind === 'pipe') return [path];
  if (kind === 'folder') {
    const problems = diagnostics.length;
    const files = walkFolder(path, [], diagnostics);
    if (files.length === 0 && diagnostics.length === problems) report(diagnostics, path, 'nothing-below');
    return files;
  }
  const matches = kind === 'missing' && /[*?[{]/.test(path) ? globSync(path).sort() : [];
  if (matches.length === 0) report(diagnostics, path, kind);
  return matches.flatMap((match) => findFiles(match, diagnostics));
}

/** `trail` holds the real paths of the folders above, to notice a link that leads back up. */
function walkFolder(folder: string, trail: readonly string[], diagnostics: Diagnostic[]): string[] {
  const real = realpathSync(folder);
  if (trail.includes(real)) {
    diagnostics.push(
      warning('FILE_LINK_LOOP', `the link ${folder} leads back to a folder above it and was not followed`, {
        hint: 'Remove the link.',
      }),
    );
    return [];
  }
  let names: string[];
  try {
    names = readdirSync(folder).sort();
  } catch {
    report(diagnostics, folder, 'forbidden');
    return [];
  }
  return names
    .filter((name) => !name.startsWith('.'))
    .flatMap((name) => {
      const path = join(folder, name);
      const kind = kindOf(path);
      if (kind === 'folder') return walkFolder(path, [...trail, real], diagnostics);
      if (!manifestName.test(name)) return [];
      // A pipe that nobody named may never have a writer.
      if (kind !== 'file') report(diagnostics, path, kind === 'pipe' ? 'special' : kind);
      return kind === 'file' ? [path] : [];
    });
}

type Kind = 'file' | 'folder' | 'pipe' | 'missing' | 'loop' | 'forbidden' | 'too-large' | 'special';

function kindOf(path: string): Kind {
  try {
    const stats = statSync(path);
    if (stats.isDirectory()) return 'folder';
    if (stats.isFIFO()) return 'pipe';
    if (!stats.isFile()) return 'special';
    return stats.size > maxFileSize ? 'too-large' : 'file';
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ELOOP') return 'loop';
    return code === 'EACCES' || code === 'EPERM' ? 'forbidden' : 'missing';
  }
}

/** A pipe (`/dev/fd/63`) has no path beyond its own. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function readBytes(path: string, diagnostics: Diagnostic[]): Uint8Array | undefined {
  try {
    const bytes = readFileSync(path);
    if (bytes.length <= maxFileSize) return bytes;
    report(diagnostics, path, 'too-large');
  } catch {
    report(diagnostics, path, 'forbidden');
  }
  return undefined;
}

function report(diagnostics: Diagnostic[], path: string, problem: Kind | 'nothing-below'): void {
  diagnostics.push(describeProblem(path, problem));
}

function describeProblem(path: string, problem: Kind | 'nothing-below'): Diagnostic {
  switch (problem) {
    case 'nothing-below':
    case 'folder':
      return failure('NOTHING_FOUND', `no .yaml, .yml or .json file below ${path}`, {
        hint: 'Name the folder that holds the manifests; folders whose name begins with a dot are left out.',
      });
    case 'loop':
      return failure('FILE_LINK_LOOP', `${path} is a link that leads in a circle`, {
        hint: 'Mend or remove it.',
      });
    case 'forbidden':
      return failure('FILE_UNREADABLE', `${path} can't be read: permission denied`, {
        hint: 'Run as a user who may read it.',
      });
    case 'too-large':
      return failure('FILE_TOO_LARGE', `${path} is larger than ${maxFileSize / 1024 / 1024} MiB`, {
        hint: 'Split it, or leave out the kinds that have no part in networking.',
      });
    case 'special':
    case 'pipe':
      return failure('FILE_UNREADABLE', `${path} is neither a file nor a folder`, {
        hint: 'Name a manifest.',
      });
    case 'file':
    case 'missing':
      return failure('FILE_NOT_FOUND', `${path}: no such file or folder`, {
        hint: missingHint(path),
      });
  }
}

function missingHint(path: string): string {
  if (/^https?:/.test(path)) return `URLs are not fetched: curl -sSL ${path} | bulkhead … -`;
  return /[*?[{]/.test(path) ? 'Nothing matches the pattern.' : 'Check the path.';
}
