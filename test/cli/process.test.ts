/** The command as a user starts it: bin/bulkhead, a process of its own, streams and exit codes. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const repository = join(import.meta.dirname, '../..');
const launcher = join(repository, 'bin/bulkhead');
const fixtures = join(import.meta.dirname, 'fixtures');
const folder = mkdtempSync(join(tmpdir(), 'bulkhead-process-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Start {
  readonly command?: string;
  readonly env?: Record<string, string>;
  readonly input?: string;
}

function start(args: readonly string[], { command = launcher, env = {}, input = '' }: Start = {}) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: folder,
    env: { ...process.env, ...env },
    input,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

function shell(script: string) {
  return start(['-c', script], { command: 'bash' });
}

describe('bin/bulkhead', () => {
  it('prints the result on stdout, warnings on stderr, from any folder', () => {
    const { status, stdout, stderr } = start([
      'check',
      '-o',
      'json',
      fixtures + '/workloads.yaml',
      fixtures + '/suspicious.yaml',
    ]);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ pods: 5 });
    expect(JSON.parse(stderr)).toMatchObject({ diagnostics: [{ severity: 'warning' }, {}, {}] });
  });

  it('ends with 2 and nothing on stdout for an error', () => {
    const { status, stdout, stderr } = start(['matrix', join(fixtures, 'bad')]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('error FILE_BINARY');
  });

  it('ends with 1 where something was found', () => {
    expect(
      start(['check', '--strict', fixtures + '/workloads.yaml', fixtures + '/suspicious.yaml']).status,
    ).toBe(1);
  });

  it('reads standard input', () => {
    const input =
      'apiVersion: v1\nkind: Pod\nmetadata: { name: a }\nspec: { containers: [{ name: a, image: a }] }\n';
    const { status, stdout } = start(['matrix', '-'], { input });
    expect(status).toBe(0);
    expect(stdout).toContain('default\n');
  });

  it('is quiet when its reader goes away', () => {
    const { stdout, stderr } = shell(
      `'${launcher}' matrix -o json '${repository}/examples/shop' | head -n 1; echo "\${PIPESTATUS[0]}"`,
    );
    expect({ stdout, stderr }).toEqual({ stdout: '{\n0\n', stderr: '' });
  });

  it('says that its result could not be written, with the exit code of an error', () => {
    const { stdout, stderr } = shell(
      `'${launcher}' matrix '${repository}/examples/shop' > /dev/full; echo "$?"`,
    );
    expect(stdout).toBe('2\n');
    expect(stderr).toMatch(/^error OUTPUT_UNWRITABLE: [^\n]*no space left[^\n]*\n {2}hint: [^\n]+\n$/);
  });

  it('keeps its exit code when nobody can hear its errors', () => {
    const { stdout } = shell(
      `'${launcher}' matrix '${fixtures}/bad' 2> /dev/full; echo "$?"; '${launcher}' matrix '${repository}/examples/shop' > /dev/full 2>&1; echo "$?"`,
    );
    expect(stdout).toBe('2\n2\n');
  });

  it('writes everything to a slow reader', () => {
    const { stdout } = shell(
      `'${launcher}' compile -o json '${repository}/examples/shop' | (sleep 0.3; cat)`,
    );
    expect(JSON.parse(stdout)).toHaveProperty('rules');
  });

  it('works through links, as npm makes them', () => {
    symlinkSync(launcher, join(folder, 'direct'));
    symlinkSync('direct', join(folder, 'indirect'));
    expect(start(['--version'], { command: join(folder, 'indirect') })).toMatchObject({
      status: 0,
      stderr: '',
    });
  });

  it('says what is wrong with the Node.js that it was told to use', () => {
    const { status, stdout, stderr } = start(['--version'], { env: { BULKHEAD_NODE: '/bin/true' } });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toBe(
      'error: BULKHEAD_NODE=/bin/true is not a Node.js >= 22.18\n  hint: Unset BULKHEAD_NODE, or point it to a newer Node.js.\n',
    );
  });
});
