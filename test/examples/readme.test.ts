/**
 * The commands in the READMEs print what the READMEs say. A block marked `console` holds commands after `$ ` and what
 * they print; `…` stands for any number of lines.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

interface Session {
  readonly command: string;
  readonly output: readonly string[];
}

function sessions(file: string): Session[] {
  const blocks = readFileSync(file, 'utf8').matchAll(/^```console\n([\s\S]*?)^```$/gm);
  return [...blocks].flatMap(([, block = '']) =>
    block
      .split(/^\$ /m)
      .filter((part) => part !== '')
      .map((part) => {
        const [command = '', ...output] = part.trimEnd().split('\n');
        return { command, output };
      }),
  );
}

function run(command: string): string[] {
  const [program, ...args] = command.split(' ');
  if (program !== 'bin/bulkhead') throw new Error(`not a command of ours: ${command}`);
  const { stdout } = spawnSync(program, args, { encoding: 'utf8' });
  return stdout.trimEnd().split('\n');
}

/** A pattern for the whole output. */
function patternOf(output: readonly string[]): RegExp {
  const lines = output.map((line) =>
    line === '…' ? '(?:.*\n)*?' : `${line.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)}\n`,
  );
  return new RegExp(`^${lines.join('')}$`);
}

const files = [
  'README.md',
  ...['shop', 'edge', 'legacy', 'frontend-backend'].map((name) => `examples/${name}/README.md`),
];

describe.each(files)('%s', (file) => {
  const commands = sessions(file);

  test.each(commands)('$command', ({ command, output }) => {
    expect(`${run(command).join('\n')}\n`).toMatch(patternOf(output));
  });

  test('shows some command', () => {
    expect(commands).not.toEqual([]);
  });
});
