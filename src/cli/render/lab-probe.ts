/** The outcome of a probe: the matrix, how much of it packets confirmed, and every cell that differs. */
import type { Difference, ProbedCell } from '../../lab/probe.ts';
import type { ProbeReport } from '../lab-reports.ts';
import { renderColumns } from './columns.ts';
import { renderMatrixTable } from './matrix/table.ts';
import { viewOf } from './matrix/view-of.ts';
import { paint, type Terminal } from './terminal.ts';

const meanings: Readonly<Record<Difference, string>> = {
  blocked: 'allowed, but no answer came',
  leaked: 'denied, but not dropped',
  failed: 'allowed, but not answered properly',
  stranger: 'somebody else answered',
};

export function renderProbe(report: ProbeReport, terminal: Terminal): string {
  const { matrix, differences, skipped, agree, allowed, denied, ms } = report;
  const total = allowed + denied;
  const agreed = `${agree} of ${total} cells agree`;
  const verdict =
    differences.length === 0 ? paint(terminal, 'green', agreed) : paint(terminal, ['bold', 'red'], agreed);
  const lines = [
    `${verdict}: ${allowed} allowed, ${denied} denied, by real packets in ${(ms / 1000).toFixed(1)} s.`,
    ...Object.entries(skipped).map(([reason, cells]) => `${cells} cells skipped: ${reason}.`),
  ];
  const sections = [
    renderMatrixTable(viewOf(matrix), terminal),
    ...(differences.length > 0 ? [renderDifferences(differences, terminal)] : []),
    `${lines.join('\n')}\n`,
  ];
  return sections.join('\n');
}

function renderDifferences(differences: readonly ProbedCell[], terminal: Terminal): string {
  return renderColumns<ProbedCell>(
    [
      { header: 'FROM', cell: ({ source }) => source },
      { header: 'TO', cell: ({ destination }) => destination },
      { header: 'PORT', cell: ({ port, protocol }) => `${port}/${protocol}` },
      { header: 'IP', cell: ({ family }) => `v${family}` },
      { header: 'POLICIES SAY', cell: (cell) => (cell.allowed ? 'allowed' : 'denied') },
      { header: 'PACKETS SAY', cell: ({ outcome }) => outcome },
      { header: 'SO', cell: ({ difference }) => (difference ? meanings[difference] : '') },
    ],
    differences,
    terminal,
  );
}
