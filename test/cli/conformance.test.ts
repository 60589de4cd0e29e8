import { expect, it } from 'vitest';
import { bulkhead } from './run-in-process.ts';

it('prints a line per family and the sum', async () => {
  const { code, stdout, stderr } = await bulkhead([
    'conformance',
    '--family',
    'e2e',
    'api',
    '--ip-family',
    'ipv4',
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^api +2 +2 +\d+ +2 +0 +0$/m);
  expect(stdout).toMatch(/^e2e +48 +48 +526 +48 +0 +0$/m);
  expect(stdout).toMatch(/^50 of 50 runs of 50 cases agree: \d+ cells by compiled, in \d+\.\d s\.$/m);
});

it('selects cases by id, and what begins with a family name', async () => {
  const ids = async (...args: string[]) => {
    const { stdout } = await bulkhead(['conformance', '-o', 'json', '--ip-family', 'ipv6', ...args]);
    return (JSON.parse(stdout) as { cases: { id: string }[] }).cases.map(({ id }) => id);
  };
  expect(await ids('--case', 'e2e-4*', 'api-01')).toEqual([
    'api-01',
    ...Array.from({ length: 9 }, (_, index) => `e2e-4${index}`),
  ]);
  expect(await ids('--family', 'cyclonus', '--case', '*-1')).toEqual([
    'cyclonus-action-1',
    'cyclonus-example-1',
    'cyclonus-namespace-1',
    'cyclonus-rules-1',
    'cyclonus-target-1',
  ]);
});

it('writes JUnit XML', async () => {
  const filter = ['--case', 'e2e-34', '--ip-family', 'ipv4', 'dual'];
  const { stdout } = await bulkhead(['conformance', '--engine', 'reference', ...filter, '-o', 'junit']);
  const lines = stdout.replaceAll(/time="[\d.]+"/g, 'time="…"');
  expect(lines).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="bulkhead conformance reference" tests="2" failures="0" skipped="0" time="…">
  <testsuite name="e2e" tests="2" failures="0" skipped="0" time="…">
    <testcase name="e2e-34 (ipv4): A block of one pod&#39;s address alone" classname="reference.e2e" time="…"/>
    <testcase name="e2e-34 (dual): A block of one pod&#39;s address alone" classname="reference.e2e" time="…"/>
  </testsuite>
</testsuites>
`);
});

it.each([
  [['--family', 'e3e'], 'CONFORMANCE_NO_CASE', 'Did you mean e2e?'],
  [['--case', 'e2e-99'], 'CONFORMANCE_NO_CASE', 'lists them'],
  [['--via', 'service-ip'], 'CONFORMANCE_VIA_UNUSED', 'begins with lab-'],
])('says what is wrong with %j', async (args, code, hint) => {
  const run = await bulkhead(['conformance', ...args]);
  expect(run.code).toBe(2);
  expect(run.stdout).toBe('');
  expect(run.stderr).toContain(code);
  expect(run.stderr).toContain(hint);
});
