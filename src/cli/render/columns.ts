/** Columns that line up, as kubectl prints them: upper-case headers, no lines, three spaces between. */
import { displayWidth, padEnd, padStart } from './display-width.ts';
import { paint, type Terminal } from './terminal.ts';
import { wrap } from './wrap.ts';

export interface Column<Row> {
  readonly header: string;
  readonly cell: (row: Row) => string;
  readonly align?: 'left' | 'right';
  /** Only for the last column: takes what the others leave of the terminal's width, on as many lines as it needs. */
  readonly wrap?: boolean;
}

const gap = '   ';
/** A wrapped column is never narrower, even if the table gets wider than the terminal then. */
const narrowestWrap = 24;

/** A header line and one line per row; '' when there are no rows. Ends with a newline. */
export function renderColumns<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  terminal: Terminal,
): string {
  if (rows.length === 0) return '';
  const cells = rows.map((row) => columns.map((column) => column.cell(row)));
  const widths = columns.map(({ header, wrap: wraps }, index) =>
    wraps ? 0 : Math.max(displayWidth(header), ...cells.map((row) => displayWidth(row[index] ?? ''))),
  );
  const left = terminal.columns - widths.reduce((sum, width) => sum + width + gap.length, -gap.length);
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, index) => (columns[index]?.align === 'right' ? padStart : padEnd)(text, widths[index] ?? 0))
      .join(gap)
      .trimEnd();
  const wrapped = (texts: readonly string[]): string[] => {
    if (!columns.at(-1)?.wrap) return [line(texts)];
    const [first = '', ...rest] = wrap(texts.at(-1) ?? '', Math.max(left, narrowestWrap));
    const blank = texts.slice(0, -1).map(() => '');
    return [line([...texts.slice(0, -1), first]), ...rest.map((text) => line([...blank, text]))];
  };
  const header = paint(terminal, 'bold', line(columns.map((column) => column.header)));
  return `${[header, ...cells.flatMap(wrapped)].join('\n')}\n`;
}
