/** Flows as they come: one line each, as compact text, as columns of fixed width, or as JSON. */
import { formatDecisions, formatEnd, formatFlowItem } from '../../observe/flow-format.ts';
import type { FlowItem } from '../../observe/flow-log.ts';
import { padEnd } from './display-width.ts';
import { paint, type Terminal } from './terminal.ts';

export interface FlowPrinter {
  /** Printed once, ahead of everything. */
  readonly head: string;
  line(item: FlowItem): string;
}

export function flowPrinter(format: 'compact' | 'table' | 'json', terminal: Terminal): FlowPrinter {
  switch (format) {
    case 'json':
      return { head: '', line: (item) => `${JSON.stringify(item)}\n` };
    case 'compact':
      return { head: '', line: (item) => `${colour(terminal, item, formatFlowItem(item))}\n` };
    case 'table': {
      const head = row(['TIME', 'FROM', 'TO', 'PROTO', 'VERDICT', 'DECIDED BY']);
      return { head: `${paint(terminal, 'bold', head)}\n`, line: (item) => tableLine(item, terminal) };
    }
  }
}

/** A stream can't know its widest cell ahead; longer texts push the rest of their line to the right. */
const widths = [12, 32, 32, 5, 7];

function row(cells: readonly string[]): string {
  return cells
    .map((cell, index) => padEnd(cell, widths[index] ?? 0))
    .join('  ')
    .trimEnd();
}

function tableLine(item: FlowItem, terminal: Terminal): string {
  if (item.kind === 'lost') return `${colour(terminal, item, formatFlowItem(item))}\n`;
  const { record } = item;
  const cells = [
    record.time.slice(11, 23),
    formatEnd(record.source),
    formatEnd(record.destination),
    record.protocol,
    record.verdict,
    formatDecisions(record),
  ];
  return `${colour(terminal, item, row(cells))}\n`;
}

function colour(terminal: Terminal, item: FlowItem, text: string): string {
  if (item.kind === 'lost') return paint(terminal, 'yellow', text);
  return item.record.verdict === 'denied' ? paint(terminal, 'red', text) : text;
}
