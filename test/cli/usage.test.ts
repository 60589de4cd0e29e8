import { describe, expect, it } from 'vitest';
import { commandTree, walkCommands } from '../../src/cli/command-tree.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { bulkhead } from './run-in-process.ts';

const silent = { write: () => undefined, isTerminal: false, columns: undefined };
const program = buildProgram({
  context: { stdout: silent, stderr: silent, env: {}, readStdin: () => '' },
  exitCode: 0,
});

describe('usage', () => {
  it('shows help without arguments, on stdout', async () => {
    const { code, stdout, stderr } = await bulkhead([]);
    expect(code).toBe(0);
    expect(stderr).toBe('');
    expect(stdout).toMatchSnapshot();
  });

  for (const node of walkCommands(commandTree(program))) {
    const words = node.path.join(' ');
    it(`has help and an example for "${words}"`, async () => {
      const { code, stdout, stderr } = await bulkhead([...node.path, '--help']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain(`Usage: bulkhead ${words}`.trimEnd());
      expect(node.examples).not.toHaveLength(0);
      for (const { command } of node.examples) expect(stdout).toContain(command);
    });

    it(`refuses an unknown option of "${words}" with exit code 2`, async () => {
      const { code, stdout, stderr } = await bulkhead([...node.path, '--no-such-option']);
      expect(code).toBe(2);
      expect(stdout).toBe('');
      expect(stderr).toContain("error CLI_UNKNOWN_OPTION: unknown option '--no-such-option'");
    });
  }

  it('suggests the command that was meant', async () => {
    const { code, stdout, stderr } = await bulkhead(['matrx', 'examples']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toBe("error CLI_UNKNOWN_COMMAND: unknown command 'matrx'\n  hint: Did you mean matrix?\n");
  });

  it.each([
    ['help', 'check'],
    ['lab', 'help', 'up'],
  ])('says how help is had to those who write %s %s', async (...words) => {
    const { code, stderr } = await bulkhead(words);
    expect(code).toBe(2);
    expect(stderr).toContain('hint: Write --help behind the command: bulkhead check --help.');
  });

  it('suggests the option that was meant', async () => {
    const { code, stderr } = await bulkhead(['version', '--ouput', 'json']);
    expect(code).toBe(2);
    expect(stderr).toContain('hint: Did you mean --output?');
  });

  it.each([
    [['flows', '-n', '-3'], 'It must be a whole number, 0 or more.'],
    [['flows', '--port', '99999'], 'It must be a whole number, from 1 to 65535.'],
    [['flows', '--port', ''], 'It must be a whole number, from 1 to 65535.'],
    [['lab', 'flows', '--port', '53/UDP'], 'It must be a whole number, from 1 to 65535.'],
  ])('says what numbers %j may be', async (words, told) => {
    const { code, stderr } = await bulkhead(words);
    expect(code).toBe(2);
    expect(stderr).toContain(told);
  });

  it.each([
    ['--sync-period=720h', 'at most 24 days'],
    ['--sync-period=0s', 'Write 500ms'],
    ['--table-memory=0Mi', 'Write 512Ki'],
    ['--table-memory=256MB', 'Write 512Ki'],
    ['--table-memory=3Gi', 'at most 2Gi'],
    ['--health-port=', 'It must be a port.'],
    ['--health-port=0x50', 'It must be a port.'],
    ['--node-name=', 'It must not be empty.'],
    ['--run-dir=', 'It must not be empty.'],
    ['--bpffs=', 'It must not be empty.'],
    ['--cni-conf-dir=', 'It must not be empty.'],
    ['--pod-interfaces=', 'It must not be empty.'],
  ])('an agent does not begin with %s', async (option, why) => {
    const { code, stdout, stderr } = await bulkhead(['agent', '--kubeconfig=/does/not/exist', option]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('error CLI_INVALID_VALUE: ');
    expect(stderr).toContain(why);
  });

  it('names the choices of an option', async () => {
    const { code, stderr } = await bulkhead(['version', '-o', 'xml']);
    expect(code).toBe(2);
    expect(stderr).toContain('Allowed choices are table, json, yaml.');
  });

  it('refuses operands that nobody reads', async () => {
    const { code, stderr } = await bulkhead(['version', 'extra']);
    expect(code).toBe(2);
    expect(stderr).toContain('CLI_EXCESS_ARGUMENTS');
  });

  it('prints errors as JSON on stderr with -o json, wherever the option stands', async () => {
    for (const args of [
      ['version', '--nope', '-o', 'json'],
      ['version', '--output=json', '--nope'],
      ['version', '-ojson', '--nope'],
    ]) {
      const { code, stdout, stderr } = await bulkhead(args);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(JSON.parse(stderr)).toMatchObject({
        diagnostics: [{ severity: 'error', code: 'CLI_UNKNOWN_OPTION' }],
      });
    }
  });

  it('leaves what follows -- alone when it looks for the output format', async () => {
    const { stderr } = await bulkhead(['version', '--nope', '--', '-o', 'json']);
    expect(stderr).toMatch(/^error CLI_UNKNOWN_OPTION/);
  });

  it('exits with 2 and help on stderr for a group without its command', async () => {
    const { code, stdout, stderr } = await bulkhead(['lab']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('Usage: bulkhead lab');
  });
});

describe('version', () => {
  it('prints the version of package.json', async () => {
    const { default: manifest } = await import('../../package.json', { with: { type: 'json' } });
    expect(await bulkhead(['--version'])).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: '' });
    expect((await bulkhead(['version'])).stdout).toContain(`bulkhead ${manifest.version} (Node.js 2`);
    const { stdout } = await bulkhead(['version', '-o', 'json']);
    expect(JSON.parse(stdout)).toMatchObject({ bulkhead: manifest.version, node: process.versions.node });
    expect((await bulkhead(['version', '-o', 'yaml'])).stdout).toContain(`bulkhead: ${manifest.version}\n`);
  });
});
