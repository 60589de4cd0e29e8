/** The outcome of a conformance run as JUnit XML: a suite per family, a test per case and stack. */
import type { CaseReport, ConformanceReport } from '../../conformance/report.ts';
import { escapeMarkup } from './markup.ts';

export function renderConformanceJunit(report: ConformanceReport): string {
  const suites = [...Map.groupBy(report.cases, ({ family }) => family)];
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributes({ name: `bulkhead conformance ${report.engine}`, ...counts(report.cases) })}>`,
    ...suites.flatMap(([family, cases]) => [
      `  <testsuite${attributes({ name: family, ...counts(cases) })}>`,
      ...cases.flatMap((one) => renderCase(one, report.engine)),
      '  </testsuite>',
    ]),
    '</testsuites>',
    '',
  ].join('\n');
}

function renderCase(one: CaseReport, engine: string): readonly string[] {
  const name = `${one.id} (${one.stack}): ${one.title}`;
  const head = { name, classname: `${engine}.${one.family}`, time: seconds(one.ms) };
  switch (one.outcome) {
    case 'passed':
      return [`    <testcase${attributes(head)}/>`];
    case 'skipped': {
      const message = Object.keys(one.skippedCells).join('; ');
      return [`    <testcase${attributes(head)}><skipped${attributes({ message })}/></testcase>`];
    }
    case 'failed':
      return [
        `    <testcase${attributes(head)}>`,
        `      <failure${attributes({ message: `${one.differences.length} differences` })}>`,
        ...one.differences.map(({ step, text }) => escapeMarkup(`step ${step}: ${text}`)),
        '      </failure>',
        '    </testcase>',
      ];
  }
}

function counts(cases: readonly CaseReport[]): Readonly<Record<string, string>> {
  const count = (outcome: CaseReport['outcome']) =>
    String(cases.filter((one) => one.outcome === outcome).length);
  return {
    tests: String(cases.length),
    failures: count('failed'),
    skipped: count('skipped'),
    time: seconds(cases.reduce((sum, { ms }) => sum + ms, 0)),
  };
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

function attributes(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escapeMarkup(value)}"`)
    .join('');
}
