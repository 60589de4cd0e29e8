import { describe, expect, it } from 'vitest';
import { renderConformanceJunit } from '../../../src/cli/render/conformance-junit.ts';
import { renderConformance } from '../../../src/cli/render/conformance-table.ts';
import { plainTerminal } from '../../../src/cli/render/terminal.ts';
import type { ConformanceReport } from '../../../src/conformance/report.ts';

const totals = { cases: 2, runs: 2, passed: 0, failed: 1, skipped: 1, cells: 12 };
const report: ConformanceReport = {
  engine: 'lab-ebpf',
  via: 'service-name',
  ms: 1234,
  totals,
  families: [{ family: 'corner', ...totals }],
  skippedCells: { 'no Service leads there': 3 },
  cases: [
    {
      id: 'corner-01',
      family: 'corner',
      title: 'Names & numbers',
      stack: 'dual',
      outcome: 'failed',
      cells: 12,
      ms: 1000,
      differences: Array.from({ length: 12 }, (_, index) => {
        return { step: 2, text: `x/a → y/b ${index}/TCP IPv4: expected denied, was allowed` };
      }),
      skippedCells: {},
    },
    {
      id: 'corner-02',
      family: 'corner',
      title: 'Another',
      stack: 'ipv4',
      outcome: 'skipped',
      cells: 0,
      ms: 0,
      differences: [],
      skippedCells: { 'no Service leads there': 3 },
    },
  ],
};

describe('a run with differences', () => {
  it('as a table names them, ten of each case', () => {
    expect(
      renderConformance(report, plainTerminal)
        .split('\n')
        .filter((line) => !/[1-8]\/TCP/.test(line)),
    ).toEqual([
      'FAMILY   CASES   RUNS   CELLS   PASSED   FAILED   SKIPPED',
      'corner       2      2      12        0        1         1',
      '',
      'corner-01 (dual) Names & numbers',
      '  step 2: x/a → y/b 0/TCP IPv4: expected denied, was allowed',
      '  step 2: x/a → y/b 9/TCP IPv4: expected denied, was allowed',
      '  and 2 more',
      '',
      '0 of 2 runs of 2 cases agree: 12 cells by lab-ebpf, via service-name, in 1.2 s.',
      '3 cells skipped: no Service leads there.',
      '',
    ]);
  });

  it('as JUnit XML has all of them', () => {
    const lines = renderConformanceJunit(report).split('\n');
    expect(lines.slice(0, 6)).toEqual([
      '<?xml version="1.0" encoding="UTF-8"?>',
      '<testsuites name="bulkhead conformance lab-ebpf" tests="2" failures="1" skipped="1" time="1.000">',
      '  <testsuite name="corner" tests="2" failures="1" skipped="1" time="1.000">',
      '    <testcase name="corner-01 (dual): Names &amp; numbers" classname="lab-ebpf.corner" time="1.000">',
      '      <failure message="12 differences">',
      'step 2: x/a → y/b 0/TCP IPv4: expected denied, was allowed',
    ]);
    expect(lines.filter((line) => line.startsWith('step 2: '))).toHaveLength(12);
    expect(lines).toContain(
      '    <testcase name="corner-02 (ipv4): Another" classname="lab-ebpf.corner" time="0.000"><skipped message="no Service leads there"/></testcase>',
    );
  });
});
