import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readSources, repository } from './sources.ts';

const sources = readSources('src');

test('no file in src/, test/ or scripts/ is longer than 400 lines', () => {
  const tooLong = ['src', 'test', 'scripts']
    .flatMap(readSources)
    .map((file) => ({ path: file.path, lines: file.text.split('\n').length - 1 }))
    .filter((file) => file.lines > 400);
  expect(tooLong).toEqual([]);
});

test('file names are kebab-case', () => {
  const odd = sources.map((file) => file.path).filter((path) => !/^[a-z0-9/-]+(\.[a-z]+)?\.ts$/.test(path));
  expect(odd).toEqual([]);
});

test('bpf/ holds C only', () => {
  const folder = join(repository, 'bpf');
  const files = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : [];
  expect(files.filter((name) => !/\.(c|h|md)$/.test(name))).toEqual([]);
});

// Codes are the first argument of failure() and warning(), or a `code: '…'` property where a diagnostic is built by hand.
const codePattern = /(?:\b(?:failure|warning)\(\s*|\bcode:\s*)'([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)'/g;

test('every error code in src/ is in docs/errors.md, and the other way round', () => {
  const used = new Set(
    sources.flatMap((file) => [...file.text.matchAll(codePattern)].map((match) => match[1])),
  );
  const page = readFileSync(join(repository, 'docs/errors.md'), 'utf8');
  const rows = [...page.matchAll(/^\| `([A-Z0-9_]+)` /gm)].map((match) => match[1]);
  expect([...used].filter((code) => !rows.includes(code)).sort()).toEqual([]);
  expect(rows.filter((code) => !used.has(code))).toEqual([]);
  expect(rows).toEqual([...new Set(rows)].sort());
});
