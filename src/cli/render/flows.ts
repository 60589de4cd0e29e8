/** Flows as they come: one line each, as compact text, as columns of fixed width, or as JSON. */
import { formatDecisions, formatEnd, formatFlowItem } from '../../observe/flow-format.ts';
import type { FlowItem } from '../../observe/flow-log.ts';
import { displayWidth, padEnd } from './display-width.ts';
import { printable } from './printable.ts';
import { paint, type Terminal } from './terminal.ts';

/** `node`: whose agent told of it, where several do. */
export type PrintedFlow = FlowItem & { readonly node?: string };

export interface FlowPrinter {
  /** Printed once, ahead of everything. */
  readonly head: string;
  line(item: PrintedFlow): string;
}

/** `nodes`: each line says whose agent told of it. */
export function flowPrinter(
  format: 'compact' | 'table' | 'json',
  terminal: Terminal,
  { nodes = false }: { readonly nodes?: boolean } = {},
): FlowPrinter {
  switch (format) {
    case 'json':
      return { head: '', line: (item) => `${JSON.stringify(item)}\n` };
    case 'compact':
      return {
        head: '',
        line: (item) => {
          const node = nodes ? `${item.node ?? '-'}  ` : '';
          return `${colour(terminal, item, `${node}${printable(formatFlowItem(item))}`)}\n`;
        },
      };
    case 'table': {
      const cells = [...(nodes ? ['NODE'] : []), 'TIME', 'FROM', 'TO', 'PROTO', 'VERDICT', 'DECIDED BY'];
      const widths = [...(nodes ? [12] : []), ...leastWidths];
      const head = row(cells, widths);
      return {
        head: `${paint(terminal, 'bold', head)}\n`,
        line: (item) => tableLine(item, { nodes, widths, terminal }),
      };
    }
  }
}

/** A stream can't know its widest cell ahead: columns begin as wide as pods of Deployments mostly are, grow, and stay so. */
const leastWidths = [12, 44, 44, 5, 7];

function row(cells: readonly string[], widths: readonly number[]): string {
  return cells
    .map((cell, index) => padEnd(cell, widths[index] ?? 0))
    .join('  ')
    .trimEnd();
}

interface TableOptions {
  readonly nodes: boolean;
  /** Of all columns but the last; grows. */
  readonly widths: number[];
  readonly terminal: Terminal;
}

function tableLine(item: PrintedFlow, { nodes, widths, terminal }: TableOptions): string {
  const node = nodes ? [item.node ?? '-'] : [];
  if (item.kind === 'lost')
    return `${colour(terminal, item, row([...node, formatFlowItem(item)], widths))}\n`;
  const { record } = item;
  const cells = [
    ...node,
    record.time.slice(11, 23),
    formatEnd(record.source),
    formatEnd(record.destination),
    record.protocol,
    record.verdict,
    formatDecisions(record),
  ].map(printable);
  for (const [index, width] of widths.entries())
    widths[index] = Math.max(width, displayWidth(cells[index] ?? ''));
  return `${colour(terminal, item, row(cells, widths))}\n`;
}

function colour(terminal: Terminal, item: FlowItem, text: string): string {
  if (item.kind === 'lost') return paint(terminal, 'yellow', text);
  return item.record.verdict === 'denied' ? paint(terminal, 'red', text) : text;
}
