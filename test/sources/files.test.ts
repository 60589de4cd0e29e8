import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BulkheadError, type Diagnostic } from '../../src/errors.ts';
import { readManifests } from '../../src/sources/manifests.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bulkhead-files-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const pod = (name: string): string => `apiVersion: v1\nkind: Pod\nmetadata: { name: ${name} }\n`;

function write(path: string, content: string | Uint8Array): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}

function names(paths: readonly string[], stdin?: string): string[] {
  const { objects } = readManifests(paths, stdin === undefined ? {} : { stdin });
  return [...objects.values()].map(({ name }) => name);
}

function errors(...paths: string[]): readonly Diagnostic[] {
  try {
    readManifests(paths);
    return [];
  } catch (error) {
    if (error instanceof BulkheadError) return error.diagnostics;
    throw error;
  }
}

const codes = (...paths: string[]): string[] => errors(...paths).map(({ code }) => code);

const hints = (...paths: string[]): unknown[] => errors(...paths).map(({ hint }) => hint);

describe('paths', () => {
  beforeEach(() => {
    write('b.yaml', pod('b'));
    write('a.yml', pod('a'));
    write('sub/deep/c.json', '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "c"}}');
    write('sub/notes.txt', 'not: read');
    write('.git/config.yaml', pod('hidden'));
  });

  test('a folder is read recursively and in order, without hidden folders and other files', () => {
    expect(names([folder])).toEqual(['a', 'b', 'c']);
  });

  test('a file is read whatever its name is', () => {
    expect(names([write('manifest.txt', pod('x'))])).toEqual(['x']);
  });

  test('globs', () => {
    expect(names([join(folder, '*.y*ml')])).toEqual(['a', 'b']);
    expect(names([join(folder, '**/*.json')])).toEqual(['c']);
    expect(names([join(folder, '{a,b}.*')])).toEqual(['a', 'b']);
    expect(names([join(folder, 's*')])).toEqual(['c']);
  });

  test('a file that is named twice is read once, through links too', () => {
    symlinkSync(join(folder, 'b.yaml'), join(folder, 'link.yaml'));
    expect(names([join(folder, 'b.yaml'), folder, join(folder, 'sub/../b.yaml')])).toEqual(['b', 'a', 'c']);
  });

  test('standard input, with files', () => {
    expect(names(['-', join(folder, 'b.yaml')], pod('piped'))).toEqual(['piped', 'b']);
    expect(
      readManifests(['-'], { stdin: pod('piped') }).objects.get('Pod/default/piped')?.position.file,
    ).toBe('-');
  });

  test('positions name the file as the user did', () => {
    expect(readManifests([join(folder, 'b.yaml')]).objects.get('Pod/default/b')?.position).toEqual({
      file: join(folder, 'b.yaml'),
      line: 1,
      column: 1,
    });
  });
});

describe('what cannot be read', () => {
  test('nothing there', () => {
    expect(codes(join(folder, 'missing.yaml'), join(folder, '*.yaml'))).toEqual([
      'FILE_NOT_FOUND',
      'FILE_NOT_FOUND',
    ]);
  });

  test('a URL, which is not fetched', () => {
    expect(hints('https://example.com/policy.yaml')).toEqual([
      'URLs are not fetched: curl -sSL https://example.com/policy.yaml | bulkhead … -',
    ]);
  });

  test('an empty folder, and one without manifests', () => {
    expect(codes(folder)).toEqual(['NOTHING_FOUND']);
    write('notes.txt', 'x');
    expect(codes(folder)).toEqual(['NOTHING_FOUND']);
  });

  test('an empty file', () => {
    expect(codes(write('a.yaml', ''))).toEqual(['NOTHING_FOUND']);
    expect(() => names(['-'], 'kind: List\napiVersion: v1\nitems: []\n')).toThrow(
      'no Kubernetes object in standard input',
    );
  });

  test('links in circles', () => {
    symlinkSync('loop.yaml', join(folder, 'loop.yaml'));
    expect(codes(folder)).toEqual(['FILE_LINK_LOOP']);
    expect(codes(join(folder, 'loop.yaml'))).toEqual(['FILE_LINK_LOOP']);
  });

  test('a link to a folder above is not followed, and nothing is lost by that', () => {
    write('sub/a.yaml', pod('a'));
    symlinkSync('..', join(folder, 'sub/up'));
    const { objects, diagnostics } = readManifests([folder]);
    expect([...objects.keys()]).toEqual(['Pod/default/a']);
    expect(diagnostics.map(({ severity, code }) => [severity, code])).toEqual([
      ['warning', 'FILE_LINK_LOOP'],
    ]);
  });

  test('a link to nowhere', () => {
    symlinkSync('nowhere', join(folder, 'a.yaml'));
    expect(codes(folder)).toEqual(['FILE_NOT_FOUND']);
  });

  test('devices', () => {
    expect(codes('/dev/zero')).toEqual(['FILE_UNREADABLE']);
  });

  test('a pipe, unless it is named: it may never have a writer', () => {
    const pipe = join(folder, 'pipe.yaml');
    execFileSync('mkfifo', [pipe]);
    expect(codes(folder)).toEqual(['FILE_UNREADABLE']);
    const writer = spawn('sh', ['-c', `printf '%s' "$1" > "$0"`, pipe, pod('piped')], { stdio: 'ignore' });
    expect(names([pipe])).toEqual(['piped']);
    writer.kill();
  });

  test('no permission', () => {
    chmodSync(folder, 0o755);
    chmodSync(write('a.yaml', pod('a')), 0);
    chmodSync(write('b.yaml', pod('b')), 0o644);
    expect(asNobody(() => codes(folder))).toEqual(['FILE_UNREADABLE']);
    chmodSync(folder, 0o711);
    expect(asNobody(() => codes(folder))).toEqual(['FILE_UNREADABLE']);
  });

  /** Root may read everything, so it steps down for a moment. */
  function asNobody<Result>(run: () => Result): Result {
    const isRoot = process.getuid?.() === 0;
    if (isRoot) process.seteuid?.(65_534);
    try {
      return run();
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  }

  test('a file of absurd size', () => {
    truncateSync(write('a.yaml', ''), 33 * 1024 * 1024);
    expect(codes(folder)).toEqual(['FILE_TOO_LARGE']);
  });

  test('one unreadable file does not hide what is wrong with the others', () => {
    write('a.yaml', 'a: [');
    write('b.yaml', new Uint8Array([0, 1, 2]));
    expect(codes(folder, join(folder, 'missing'))).toEqual(['FILE_NOT_FOUND', 'YAML_SYNTAX', 'FILE_BINARY']);
  });
});

describe('encodings', () => {
  const utf16 = (text: string, littleEndian: boolean): Uint8Array => {
    const bytes = Buffer.from(`\ufeff${text}`, 'utf16le');
    return littleEndian ? bytes : bytes.swap16();
  };

  test.each([
    ['UTF-8 with a byte order mark', Buffer.from(`\ufeff${pod('a')}`)],
    ['UTF-16 little endian', utf16(pod('a'), true)],
    ['UTF-16 big endian', utf16(pod('a'), false)],
  ])('%s', (_, content) => {
    const { objects } = readManifests([write('a.yaml', content)]);
    expect(objects.get('Pod/default/a')?.position).toMatchObject({ line: 1, column: 1 });
  });

  test('binary files', () => {
    expect(codes(write('a.yaml', new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 0, 0])))).toEqual(['FILE_BINARY']);
  });

  test('invalid UTF-8, with its place', () => {
    const file = write(
      'a.yaml',
      Buffer.concat([Buffer.from('a: b\nc: é'), Buffer.from([0xff]), Buffer.from('\n')]),
    );
    expect(errors(file)).toEqual([
      expect.objectContaining({ code: 'FILE_ENCODING', position: { file, line: 2, column: 5 } }),
    ]);
  });
});
