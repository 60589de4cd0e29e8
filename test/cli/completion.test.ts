import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { bulkhead } from './run-in-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'bulkhead-completion-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What bash offers for the last word of a line that was typed so far. */
async function complete(...words: string[]): Promise<string[]> {
  const script = join(folder, 'bulkhead.bash');
  writeFileSync(script, (await bulkhead(['completion', 'bash'])).stdout);
  const line = ['bulkhead', ...words].map((word) => `'${word}'`).join(' ');
  const output = execFileSync(
    'bash',
    [
      '-c',
      `. '${script}'; COMP_WORDS=(${line}); COMP_CWORD=${words.length}; _bulkhead; printf '%s\\n' "\${COMPREPLY[@]}"`,
    ],
    { encoding: 'utf8', cwd: folder },
  );
  return output.split('\n').filter((word) => word !== '');
}

describe('completion', () => {
  it('offers the commands', async () => {
    expect(await complete('')).toEqual(
      expect.arrayContaining(['check', 'matrix', 'explain', 'compile', 'lab']),
    );
    expect(await complete('ma')).toEqual(['matrix']);
  });

  it('offers the commands of a group', async () => {
    expect(await complete('lab', '')).toEqual(expect.arrayContaining(['up', 'down', 'probe', 'flows']));
  });

  it('offers options and their values', async () => {
    expect(await complete('matrix', '--unk')).toEqual(['--unknown-fields']);
    expect(await complete('matrix', '-o', 's')).toEqual(['svg']);
    expect(await complete('completion', '')).toEqual(['bash', 'zsh', 'fish']);
  });

  it('offers files where a path is expected', async () => {
    writeFileSync(join(folder, 'manifests.yaml'), '');
    expect(await complete('check', 'man')).toEqual(['manifests.yaml']);
    expect(await complete('version', 'man')).toEqual([]);
  });

  it('refuses an unknown shell', async () => {
    const { code, stderr } = await bulkhead(['completion', 'tcsh']);
    expect(code).toBe(2);
    expect(stderr).toContain('Allowed choices are bash, zsh, fish.');
  });

  for (const shell of ['zsh', 'fish']) {
    it.skipIf(!existsSync(`/usr/bin/${shell}`))(`is a script that ${shell} can read`, async () => {
      const script = join(folder, `bulkhead.${shell}`);
      writeFileSync(script, (await bulkhead(['completion', shell])).stdout);
      expect(spawnSync(shell, ['-n', script])).toMatchObject({ status: 0 });
    });
  }
});
