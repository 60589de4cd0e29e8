/** An explanation as a story for the terminal: the verdict first, then each direction with its line of YAML. */
import { formatPosition } from '../../errors.ts';
import type {
  ExplainReport,
  ReportDirection,
  ReportEnd,
  ReportOrigin,
  ReportPath,
} from '../explain-report.ts';
import { renderBlock } from './excerpt.ts';
import type { SourceTexts } from './source-lines.ts';
import { renderEnforcement } from './enforcement.ts';
import { labelled, labelWidth } from './labelled.ts';
import { paint, type Style, type Terminal } from './terminal.ts';

const verdictStyles: Readonly<Record<ExplainReport['verdict'], Style>> = {
  allowed: ['bold', 'green'],
  denied: ['bold', 'red'],
  depends: ['bold', 'yellow'],
};

export function renderExplainStory(report: ExplainReport, terminal: Terminal): string {
  const { from, to, port, verdict, paths, notes, enforcement, sources } = report;
  const headline = `${paint(terminal, verdictStyles[verdict], verdict.toUpperCase())}  ${from} → ${to}, port ${port}`;
  const sections = [
    headline,
    ...paths.map((path) => renderPath(path, { isOneOfSeveral: paths.length > 1, sources }, terminal)),
    ...(enforcement === undefined ? [] : [renderEnforcement(enforcement, terminal)]),
    ...notes.map((note) => labelled('note', note, terminal)),
  ];
  return `${sections.join('\n\n')}\n`;
}

interface PathPlace {
  readonly isOneOfSeveral: boolean;
  readonly sources: SourceTexts | undefined;
}

function renderPath(
  path: ReportPath,
  { isOneOfSeveral, sources: texts }: PathPlace,
  terminal: Terminal,
): string {
  const { sources, destinations, flow, service, egress, ingress } = path;
  const lines: string[] = [];
  if (isOneOfSeveral) lines.push(paint(terminal, 'bold', `${path.allowed ? 'Allowed' : 'Denied'}:`));
  lines.push(labelled('from', `${describeEnd(flow.source)}${others(sources)}`, terminal));
  if (service) {
    const { name, address, port } = service;
    lines.push(
      labelled(
        'by way of',
        `Service ${name} at ${hostPort(address, port)}; policies judge what is behind it:`,
        terminal,
      ),
    );
  }
  lines.push(
    labelled('to', `${describeEnd(flow.destination)}, ${flow.port}${others(destinations)}`, terminal),
  );
  lines.push(
    '',
    ...renderDirection({ name: 'egress', direction: egress, subject: flow.source, texts }, terminal),
  );
  lines.push(
    '',
    ...renderDirection({ name: 'ingress', direction: ingress, subject: flow.destination, texts }, terminal),
  );
  return lines.join('\n');
}

interface DirectionPlace {
  readonly name: 'egress' | 'ingress';
  readonly direction: ReportDirection;
  readonly subject: ReportEnd;
  readonly texts: SourceTexts | undefined;
}

function renderDirection({ name, direction, subject, texts }: DirectionPlace, terminal: Terminal): string[] {
  const { allowed, rule, isolatedBy, nearMisses } = direction;
  const verdict = paint(
    terminal,
    verdictStyles[allowed ? 'allowed' : 'denied'],
    allowed ? 'allowed' : 'denied',
  );
  const lines = [labelled(name, `${verdict}${because(name, direction, subject)}`, terminal)];
  if (rule) lines.push(...renderPlace(rule, texts, terminal));
  if (!allowed) {
    for (const origin of isolatedBy) {
      lines.push(
        labelled(
          '',
          `isolated by ${origin.policy}  ${paint(terminal, 'dim', formatPosition(origin.position))}`,
          terminal,
        ),
      );
    }
    for (const miss of nearMisses) {
      lines.push(
        labelled('', `near miss: ${miss.title}: ${miss.detail}`, terminal),
        ...renderPlace(miss, texts, terminal),
      );
    }
  }
  return lines;
}

function because(name: string, { reason, rule, isolatedBy }: ReportDirection, subject: ReportEnd): string {
  switch (reason) {
    case 'rule':
      return ` by ${rule?.title ?? 'a rule'}`;
    case 'default-deny':
      return `: ${isolatedBy.length === 1 ? 'a policy isolates' : `${isolatedBy.length} policies isolate`} ${subject.holder} for ${name}, and no rule of ${isolatedBy.length === 1 ? 'it' : 'them'} allows this`;
    case 'not-isolated':
      return `: no policy isolates ${subject.holder} for ${name}`;
    case 'no-subject':
      return `: ${subject.kind === 'node' ? `${subject.holder} is no pod` : `${subject.holder} is outside the cluster`}, so no policy selects it for ${name}`;
    case 'self':
      return ': a pod may always reach itself';
    case 'node':
      return ': a node may always reach its own pods';
  }
}

function renderPlace(
  { position }: ReportOrigin,
  texts: SourceTexts | undefined,
  terminal: Terminal,
): string[] {
  const indent = ' '.repeat(labelWidth);
  return [
    `${indent}${paint(terminal, 'dim', formatPosition(position))}`,
    ...renderBlock(position, { ...terminal, columns: terminal.columns - labelWidth }, texts).map(
      (line) => `${indent}${line}`,
    ),
  ];
}

function describeEnd({ holder, address, kind, node }: ReportEnd): string {
  switch (kind) {
    case 'pod':
      return `${holder} (${address}, on ${node ?? 'no node'})`;
    case 'node':
      return holder;
    case 'external':
      return `${holder} (outside)`;
  }
}

function others(names: readonly string[]): string {
  const more = names.length - 1;
  return more > 0 ? ` and ${more} more alike` : '';
}

function hostPort(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
