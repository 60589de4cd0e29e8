import type { CheckedPolicy, CheckReport } from '../../analyze/check.ts';
import { renderColumns } from './columns.ts';
import { paint, type Terminal } from './terminal.ts';
import { wrap } from './wrap.ts';

export function renderCheckTable(report: CheckReport, terminal: Terminal): string {
  const sections = [
    renderObjects(report),
    renderPolicies(report.policies, terminal),
    renderOpen(report, terminal),
    summary(report),
  ];
  return sections.filter((section) => section !== '').join('\n');
}

function renderObjects({ objects, skipped, pods }: CheckReport): string {
  const list = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .map(([kind, count]) => `${count} ${kind}`)
      .join(', ');
  const lines = [`Read      ${list(objects) || 'nothing'} (${plural(pods, 'pod')} in all)`];
  if (Object.keys(skipped).length > 0) lines.push(`Skipped   ${list(skipped)}`);
  return `${lines.join('\n')}\n`;
}

function renderPolicies(policies: readonly CheckedPolicy[], terminal: Terminal): string {
  return renderColumns(
    [
      { header: 'POLICY', cell: ({ policy }) => policy },
      { header: 'ISOLATES', cell: ({ isolates }) => (isolates.length > 1 ? 'both' : (isolates[0] ?? '-')) },
      { header: 'RULES', cell: ({ rules }) => String(rules), align: 'right' },
      { header: 'PODS', cell: ({ pods }) => String(pods), align: 'right' },
      { header: 'AT', cell: ({ position }) => paint(terminal, 'dim', `${position.file}:${position.line}`) },
      { header: 'WORKLOADS', cell: shortNames, wrap: true },
    ],
    policies,
    terminal,
  );
}

/** The namespace is that of the policy, so the names alone say enough. */
function shortNames({ workloads, selectsAll }: CheckedPolicy): string {
  if (workloads.length === 0) return '-';
  if (selectsAll && workloads.length > 1) return '(all)';
  return workloads.map((workload) => workload.slice(workload.indexOf('/') + 1)).join(', ');
}

function renderOpen({ open }: CheckReport, terminal: Terminal): string {
  const lines = [
    { label: 'Open to anybody', workloads: open.ingress },
    { label: 'May reach anybody', workloads: open.egress },
  ].filter(({ workloads }) => workloads.length > 0);
  return lines
    .flatMap(({ label, workloads }) =>
      wrap(workloads.join(', '), terminal.columns - 20).map(
        (line, index) => `${(index === 0 ? label : '').padEnd(20)}${line}\n`,
      ),
    )
    .join('');
}

function summary(report: CheckReport): string {
  const { policies, warnings, pods } = report;
  const parts = [
    `${plural(policies.length, 'policy', 'policies')} over ${plural(pods, 'pod')}`,
    isolation(report),
    warnings.length === 0 ? 'no warnings' : plural(warnings.length, 'warning'),
  ];
  return `${parts.join('; ')}.\n`;
}

function isolation({ selectable, open }: CheckReport): string {
  if (selectable === 0) return 'no pod that a policy could isolate';
  return open.ingress.length + open.egress.length === 0
    ? 'every pod isolated in both directions'
    : `${plural(open.ingress.length, 'workload')} open to anybody, ${open.egress.length} may reach anybody`;
}

function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
