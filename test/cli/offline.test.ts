/** What the offline commands print, in every format. */
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { displayWidth } from '../../src/cli/render/display-width.ts';
import { bulkhead } from './run-in-process.ts';

const fixtures = 'test/cli/fixtures';
const shop = [`${fixtures}/workloads.yaml`, `${fixtures}/policies.yaml`];
const frontendToCart = [...shop, '--from', 'shop/frontend', '--to', 'shop/cart', '--port', '70'];
const prometheusToCart = [
  ...shop,
  '--from',
  'monitoring/prometheus',
  '--to',
  'shop/cart-1',
  '--port',
  '7070',
];

const commands: Readonly<Record<string, readonly string[]>> = {
  check: ['check', ...shop],
  matrix: ['matrix', ...shop],
  'matrix by pod': ['matrix', '--by', 'pod', ...shop],
  'explain an allowed connection': ['explain', ...frontendToCart],
  'explain a denied connection': ['explain', ...prometheusToCart],
  compile: ['compile', ...shop],
};

for (const [name, args] of Object.entries(commands)) {
  describe(`bulkhead ${name}`, () => {
    it('as a table', async () => {
      const { code, stdout, stderr } = await bulkhead(args);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatchSnapshot();
      for (const line of stdout.split('\n')) expect(line).toBe(line.trimEnd());
    });

    it('as JSON, and the same as YAML', async () => {
      const json = await bulkhead([...args, '-o', 'json']);
      expect({ code: json.code, stderr: json.stderr }).toEqual({ code: 0, stderr: '' });
      const data: unknown = JSON.parse(json.stdout);
      expect(data).toMatchSnapshot();
      const yaml = await bulkhead([...args, '-o', 'yaml']);
      expect(parse(yaml.stdout)).toEqual(data);
    });

    it('in colour on a terminal, and without when that is asked for', async () => {
      const coloured = await bulkhead(args, { terminal: 120 });
      const plain = await bulkhead([...args, '--no-color'], { terminal: 120 });
      const environment = await bulkhead(args, { terminal: 120, env: { NO_COLOR: '1' } });
      expect(plain.stdout).not.toContain('\u001b');
      expect(environment.stdout).toBe(plain.stdout);
      expect(stripVTControlCharacters(coloured.stdout)).toBe(plain.stdout);
    });
  });
}

it('paints headers and verdicts on a terminal', async () => {
  const { stdout } = await bulkhead(['explain', ...frontendToCart], { terminal: 120 });
  expect(stdout.startsWith('\u001b[1m\u001b[32mALLOWED')).toBe(true);
});

describe('matrix', () => {
  for (const format of ['md', 'csv', 'dot', 'svg', 'html']) {
    it(`as ${format}`, async () => {
      const { code, stdout, stderr } = await bulkhead(['matrix', ...shop, '-o', format]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      await expect(stdout).toMatchFileSnapshot(`__snapshots__/matrix.${format}`);
    });
  }

  it('says which family is allowed where they differ', async () => {
    const { stdout } = await bulkhead(['matrix', '--ip-family', 'dual', `${fixtures}/dual.yaml`]);
    expect(stdout).toMatch(/default\/server +80\/TCP over IPv6 +80\/TCP over IPv4 +default\/client/);
    const csv = await bulkhead([
      'matrix',
      '--ip-family',
      'dual',
      '--by',
      'pod',
      '-o',
      'csv',
      `${fixtures}/dual.yaml`,
    ]);
    expect(csv.stdout).toContain('default,client,default,server,80,TCP,IPv6,true\n');
    expect(csv.stdout).toContain('default,client,default,server,80,TCP,IPv4,false\n');
  });

  it.each([80, 100, 120])('fits into %i columns', async (columns) => {
    const { stdout } = await bulkhead(['matrix', '--no-color', 'examples/shop'], { terminal: columns });
    for (const line of stdout.split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(columns);
  });

  it('judges the addresses that the pods have, of whatever family', async () => {
    const stdin = `
{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: []}, status: {podIP: "fd00::1"}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: a}
spec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: "2001:db8:1::/48"}}]}]}
`;
    const { stdout } = await bulkhead(['matrix', '-', '-o', 'csv'], { stdin });
    expect(stdout).toContain(',2001:db8:1::/48,default,a,80,TCP,,true\n');
    const forced = await bulkhead(['matrix', '-', '-o', 'csv', '--ip-family', 'ipv4'], { stdin });
    expect(forced.stdout).not.toContain('2001:db8');
  });

  it('counts workloads, also where replicas differ and have rows of their own', async () => {
    const { stdout } = await bulkhead(['matrix', `${fixtures}/replicas-differ.yaml`]);
    expect(stdout.split('\n').at(-2)).toBe(
      '2 workloads (4 pods, one by one where replicas differ): 14 of 20 pairs may talk',
    );
  });

  it('says so when there is nobody', async () => {
    const stdin = 'apiVersion: v1\nkind: Namespace\nmetadata: { name: empty }\n';
    const { code, stdout } = await bulkhead(['matrix', '-'], { stdin });
    expect({ code, stdout }).toEqual({ code: 0, stdout: '0 workloads (0 pods): 0 of 0 pairs may talk\n' });
  });
});

describe('check', () => {
  const suspicious = [...shop, `${fixtures}/suspicious.yaml`];

  it('warns on stderr of what selects nothing', async () => {
    const { code, stdout, stderr } = await bulkhead(['check', ...suspicious]);
    expect(code).toBe(0);
    expect(stdout).toContain('3 warnings.\n');
    expect(stdout).not.toContain('warning POLICY');
    expect(stderr).toMatchSnapshot();
  });

  it('says how things stand where no pod can be isolated', async () => {
    const stdin = 'apiVersion: v1\nkind: Namespace\nmetadata: { name: empty }\n';
    const { stdout } = await bulkhead(['check', '-'], { stdin });
    expect(stdout).toContain('0 policies over 0 pods; no pod that a policy could isolate; no warnings.\n');
  });

  it('names every workload that is open, on as many lines as that takes', async () => {
    const names = Array.from({ length: 30 }, (_, index) => `workload-${index + 1}`);
    const stdin = names
      .map((name) => `{apiVersion: v1, kind: Pod, metadata: {name: ${name}}, spec: {containers: []}}\n`)
      .join('---\n');
    const { stdout } = await bulkhead(['check', '-'], { stdin });
    const open = stdout.slice(stdout.indexOf('Open to anybody'), stdout.indexOf('May reach anybody'));
    for (const name of names) expect(open).toMatch(new RegExp(`default/${name}(,|\\s)`));
    for (const line of stdout.split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(120);
  });

  it('exits with 1 for warnings when asked to be strict', async () => {
    expect((await bulkhead(['check', '--strict', ...suspicious])).code).toBe(1);
    expect((await bulkhead(['check', '--strict', ...shop])).code).toBe(0);
  });

  it('is quiet on stderr with -q', async () => {
    expect((await bulkhead(['check', '-q', ...suspicious])).stderr).toBe('');
  });

  it('prints warnings as JSON on stderr with -o json', async () => {
    const { stdout, stderr } = await bulkhead(['check', '-o', 'json', ...suspicious]);
    const codes = ['POLICY_SELECTS_NOTHING', 'PEER_SELECTS_NOTHING', 'PORT_NAME_UNKNOWN'];
    expect(JSON.parse(stderr)).toMatchObject({
      diagnostics: codes.map((code) => ({ severity: 'warning', code })),
    });
    expect(JSON.parse(stdout)).toMatchObject({ warnings: codes.map((code) => ({ code })) });
  });

  it('reads standard input', async () => {
    const stdin =
      'apiVersion: v1\nkind: Pod\nmetadata: { name: a }\nspec: { containers: [{ name: a, image: a }] }\n';
    const { code, stdout } = await bulkhead(['check', '-'], { stdin });
    expect(code).toBe(0);
    expect(stdout).toContain('1 Pod');
  });
});

describe('explain', () => {
  it('compares the verdict with --expect', async () => {
    const ask = async (...rest: string[]) => bulkhead(['explain', ...frontendToCart, ...rest]);
    expect(await ask('--expect', 'allow')).toMatchObject({ code: 0, stderr: '' });
    const { code, stderr } = await ask('--expect', 'deny');
    expect(code).toBe(1);
    expect(stderr).toContain('EXPLAIN_UNEXPECTED: the verdict is not what --expect=deny says: allowed\n');
  });

  it('tells apart what depends on the replica', async () => {
    const question = ['--from', 'shop/frontend', '--to', 'shop/frontend', '--port', '8080'];
    const { code, stdout } = await bulkhead(['explain', ...shop, ...question]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^DEPENDS {2}shop\/frontend → shop\/frontend, port 8080\n/);
    expect(stdout).toContain('allowed: a pod may always reach itself');
    expect(stdout).toContain('10.0.0.0/8 is excepted');
    expect((await bulkhead(['explain', ...shop, ...question, '--expect', 'allow'])).code).toBe(1);
  });

  it('needs to know between whom', async () => {
    const { code, stderr } = await bulkhead(['explain', ...shop, '--from', 'shop/frontend', '--port', '80']);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^error CLI_MISSING_OPTION: option --to is missing\n {2}hint: Add it: --to <whom>/,
    );
  });
});
