/** What is said of Kubernetes' own suite is what it said. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readGinkgoReport, renderSuiteJunit } from './suite-report.ts';
import { readResults, withResults } from './upstream-page.ts';

const spec = (text: string, state: string, more: object = {}): object => ({
  ContainerHierarchyTexts: ['[sig-network] Netpol', 'NetworkPolicy between server and client'],
  LeafNodeType: 'It',
  LeafNodeText: text,
  State: state,
  RunTime: 1_500_000_000,
  ...more,
});
const suiteNode = {
  ContainerHierarchyTexts: null,
  LeafNodeType: 'BeforeSuite',
  LeafNodeText: '',
  RunTime: 1,
};

test('a report counts cases, and of all else only what fails', () => {
  const report = JSON.stringify([
    {
      SpecReports: [
        { ...suiteNode, State: 'passed' },
        spec('should deny', 'passed'),
        spec('should allow', 'failed', { Failure: { Message: 'Had 6 wrong results & more' } }),
        spec('should speak SCTP', 'skipped'),
        spec('should come to an end', 'timedout', { Failure: { Message: 'too slow' } }),
        { ...suiteNode, LeafNodeType: 'AfterSuite', State: 'panicked', Failure: { Message: 'broken' } },
      ],
    },
  ]);
  const cases = readGinkgoReport(report);
  const prefix = '[sig-network] Netpol NetworkPolicy between server and client';
  expect(cases.map(({ name, outcome, message }) => [name, outcome, message])).toEqual([
    ['AfterSuite', 'failed', 'broken'],
    [`${prefix} should allow`, 'failed', 'Had 6 wrong results & more'],
    [`${prefix} should come to an end`, 'failed', 'too slow'],
    [`${prefix} should deny`, 'passed', ''],
    [`${prefix} should speak SCTP`, 'skipped', ''],
  ]);

  const folder = mkdtempSync(join(tmpdir(), 'bulkhead-results-'));
  writeFileSync(join(folder, 'one.xml'), renderSuiteJunit({ engine: 'ebpf', cni: 'ptp' }, cases));
  const [result] = readResults(folder);
  rmSync(folder, { recursive: true });
  expect(result).toEqual({
    file: 'one.xml',
    properties: { engine: 'ebpf', cni: 'ptp' },
    passed: 1,
    failed: 3,
    skipped: 1,
    seconds: 6,
  });
});

const results = readResults('docs/upstream');

test('every case but those of SCTP connections has passed on both engines and both kinds of links', () => {
  expect(results.map(({ file, passed, failed, skipped }) => [file, passed, failed, skipped])).toEqual([
    ['ebpf-bridge.xml', 47, 0, 3],
    ['ebpf-ptp.xml', 47, 0, 3],
    ['nftables-bridge.xml', 47, 0, 3],
    ['nftables-ptp.xml', 47, 0, 3],
  ]);
  for (const { file, properties } of results) {
    expect(`${properties.engine}-${properties.cni}.xml`).toBe(file);
  }
});

test('docs/upstream.md has the table of the results (else run scripts/node.sh scripts/upstream-page.ts)', () => {
  const page = readFileSync('docs/upstream.md', 'utf8');
  expect(page).toBe(withResults(page, results));
});
