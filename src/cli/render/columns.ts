/** Columns that line up, as kubectl prints them: upper-case headers, no lines, three spaces between. */
import { displayWidth, padEnd, padStart } from './display-width.ts';
import { paint, type Terminal } from './terminal.ts';

export interface Column<Row> {
  readonly header: string;
  readonly cell: (row: Row) => string;
  readonly align?: 'left' | 'right';
}

const gap = '   ';

/** A header line and one line per row; '' when there are no rows. Ends with a newline. */
export function renderColumns<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  terminal: Terminal,
): string {
  if (rows.length === 0) return '';
  const cells = rows.map((row) => columns.map((column) => column.cell(row)));
  const widths = columns.map(({ header }, index) =>
    Math.max(displayWidth(header), ...cells.map((row) => displayWidth(row[index] ?? ''))),
  );
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, index) => (columns[index]?.align === 'right' ? padStart : padEnd)(text, widths[index] ?? 0))
      .join(gap)
      .trimEnd();
  const header = paint(terminal, 'bold', line(columns.map((column) => column.header)));
  return `${[header, ...cells.map(line)].join('\n')}\n`;
}
