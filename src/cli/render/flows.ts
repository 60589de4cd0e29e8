/** Flows as they come: one line each, as compact text, as columns of fixed width, or as JSON. */
import { formatDecisions, formatEnd, formatFlowItem } from '../../observe/flow-format.ts';
import type { FlowItem } from '../../observe/flow-log.ts';
import { padEnd } from './display-width.ts';
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
      const head = row(cells, nodes);
      return { head: `${paint(terminal, 'bold', head)}\n`, line: (item) => tableLine(item, nodes, terminal) };
    }
  }
}

/** A stream can't know its widest cell ahead; longer texts push the rest of their line to the right. */
const widths = [12, 32, 32, 5, 7];
const nodeWidth = 12;

function row(cells: readonly string[], nodes: boolean): string {
  const all = nodes ? [nodeWidth, ...widths] : widths;
  return cells
    .map((cell, index) => padEnd(cell, all[index] ?? 0))
    .join('  ')
    .trimEnd();
}

function tableLine(item: PrintedFlow, nodes: boolean, terminal: Terminal): string {
  const node = nodes ? [item.node ?? '-'] : [];
  if (item.kind === 'lost') return `${colour(terminal, item, row([...node, formatFlowItem(item)], nodes))}\n`;
  const { record } = item;
  const cells = [
    ...node,
    record.time.slice(11, 23),
    formatEnd(record.source),
    formatEnd(record.destination),
    record.protocol,
    record.verdict,
    formatDecisions(record),
  ];
  return `${colour(terminal, item, printable(row(cells, nodes)))}\n`;
}

function colour(terminal: Terminal, item: FlowItem, text: string): string {
  if (item.kind === 'lost') return paint(terminal, 'yellow', text);
  return item.record.verdict === 'denied' ? paint(terminal, 'red', text) : text;
}
