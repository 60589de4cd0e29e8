/** The outcome of a conformance run for people: a line per family, and what differed. */
import type { CaseReport, ConformanceReport } from '../../conformance/report.ts';
import { renderColumns } from './columns.ts';
import { paint, type Terminal } from './terminal.ts';

export function renderConformance(report: ConformanceReport, terminal: Terminal): string {
  return [renderFamilies(report, terminal), ...failures(report, terminal), summary(report, terminal)].join(
    '\n',
  );
}

function renderFamilies({ families }: ConformanceReport, terminal: Terminal): string {
  const number = (value: number) => String(value);
  return renderColumns(
    [
      { header: 'FAMILY', cell: ({ family }) => family },
      { header: 'CASES', cell: ({ cases }) => number(cases), align: 'right' },
      { header: 'RUNS', cell: ({ runs }) => number(runs), align: 'right' },
      { header: 'CELLS', cell: ({ cells }) => number(cells), align: 'right' },
      { header: 'PASSED', cell: ({ passed }) => number(passed), align: 'right' },
      { header: 'FAILED', cell: ({ failed }) => number(failed), align: 'right' },
      { header: 'SKIPPED', cell: ({ skipped }) => number(skipped), align: 'right' },
    ],
    families,
    terminal,
  );
}

/** Of one case; the rest is counted. */
const mostDifferences = 10;

function failures({ cases }: ConformanceReport, terminal: Terminal): readonly string[] {
  return cases.filter(({ outcome }) => outcome === 'failed').map((failed) => renderFailure(failed, terminal));
}

function renderFailure({ id, stack, title, differences }: CaseReport, terminal: Terminal): string {
  const shown = differences.slice(0, mostDifferences).map(({ step, text }) => `  step ${step}: ${text}`);
  const more = differences.length - shown.length;
  return [
    `${paint(terminal, ['bold', 'red'], `${id} (${stack})`)} ${title}`,
    ...shown,
    ...(more > 0 ? [`  and ${more} more`] : []),
    '',
  ].join('\n');
}

function summary(report: ConformanceReport, terminal: Terminal): string {
  const { totals, engine, via, ms, skippedCells } = report;
  const agreement = `${totals.passed} of ${totals.runs} runs of ${totals.cases} cases agree`;
  const verdict =
    totals.failed === 0 ? paint(terminal, 'green', agreement) : paint(terminal, ['bold', 'red'], agreement);
  const how = engine.startsWith('lab-') ? `${engine}, via ${via}` : engine;
  return [
    `${verdict}: ${totals.cells} cells by ${how}, in ${(ms / 1000).toFixed(1)} s.`,
    ...Object.entries(skippedCells).map(([reason, cells]) => `${cells} cells skipped: ${reason}.`),
    '',
  ].join('\n');
}
