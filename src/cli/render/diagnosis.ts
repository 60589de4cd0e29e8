/** What `bulkhead doctor` found, for people: a line per check, and below it what to do. */
import type { Diagnosis, Finding } from '../../doctor/finding.ts';
import { renderColumns } from './columns.ts';
import { printable } from './printable.ts';
import { paint, type Style, type Terminal } from './terminal.ts';

const styles: Readonly<Record<Finding['state'], Style>> = {
  ok: 'green',
  warning: 'yellow',
  problem: 'red',
  unknown: 'yellow',
};

export function renderDiagnosis({ findings }: Diagnosis, terminal: Terminal): string {
  const table = renderColumns<Finding>(
    [
      { header: 'CHECK', cell: ({ check }) => printable(check) },
      { header: 'STATE', cell: ({ state }) => paint(terminal, styles[state], state) },
      { header: 'RESULT', cell: ({ result }) => printable(result), wrap: true },
    ],
    findings,
    terminal,
  );
  const advised = findings.flatMap(({ check, advice }) => (advice === undefined ? [] : [{ check, advice }]));
  const advice = renderColumns<(typeof advised)[number]>(
    [
      { header: 'CHECK', cell: ({ check }) => printable(check) },
      { header: 'WHAT TO DO', cell: (one) => printable(one.advice), wrap: true },
    ],
    advised,
    terminal,
  );
  return [table, advice].filter((section) => section !== '').join('\n');
}
