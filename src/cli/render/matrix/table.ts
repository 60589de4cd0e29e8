/** The matrix for a terminal: names of the columns on a staircase above them, one symbol per pair, partial cells below. */
import { renderColumns, type Column } from '../columns.ts';
import { displayWidth, padEnd, truncate } from '../display-width.ts';
import { paint, type Style, type Terminal } from '../terminal.ts';
import {
  axes,
  cellAt,
  describeCell,
  groupsOf,
  pointLabel,
  type CellState,
  type MatrixView,
  type ViewCell,
} from './view.ts';

const symbols: Readonly<Record<CellState, string>> = { all: '●', some: '◐', none: '·', na: ' ' };
const styles: Readonly<Record<Exclude<CellState, 'na'>, Style>> = {
  all: 'green',
  some: 'yellow',
  none: 'dim',
};

/** Columns of the terminal for each column of the matrix. */
const pitch = 3;
/** On a narrower terminal only the allowed ports are told; the others stand beside the name of the column. */
const roomForDenied = 100;
/** At least so much of the name of the last column must fit to its right. */
const shortestHeader = 16;

export function renderMatrixTable(view: MatrixView, terminal: Terminal): string {
  const { rows, columns } = axes(view);
  if (rows.length === 0 || columns.length === 0) return `${view.summary}\n`;
  const rowWidth = Math.max(...rows.map((row) => displayWidth(view.points[row]?.name ?? ''))) + 4;
  const perBlock = Math.max(1, Math.floor((terminal.columns - rowWidth - shortestHeader) / pitch));
  const blocks: string[] = [];
  for (let start = 0; start < columns.length; start += perBlock) {
    blocks.push(
      renderBlock(view, { rows, columns: columns.slice(start, start + perBlock), rowWidth }, terminal),
    );
  }
  const legend = `${paintedSymbol('all', terminal)} all ports   ${paintedSymbol('some', terminal)} some ports   ${paintedSymbol('none', terminal)} none`;
  const partial = renderPartial(view, terminal);
  return `${blocks.join('\n')}\n${legend}   (rows: from, columns: to)\n${partial}\n${view.summary}\n`;
}

interface Block {
  readonly rows: readonly number[];
  readonly columns: readonly number[];
  readonly rowWidth: number;
}

function renderBlock(view: MatrixView, { rows, columns, rowWidth }: Block, terminal: Terminal): string {
  const severalGroups = new Set(view.points.map(({ group }) => group)).size > 1;
  const header = columns.map((column, index) => {
    const point = view.points[column];
    if (!point) throw new RangeError(`no point ${column}`);
    const label = `${severalGroups ? pointLabel(point) : point.name}  ${paint(terminal, 'dim', point.ports.join(', '))}`;
    const indent = rowWidth + index * pitch;
    const stairs = ' '.repeat(rowWidth) + paint(terminal, 'dim', `│${' '.repeat(pitch - 1)}`.repeat(index));
    return `${stairs}${paint(terminal, 'dim', '┌')} ${truncate(label, terminal.columns - indent - 2)}`.trimEnd();
  });
  const body = groupsOf(view, rows).flatMap(({ group, indices }) => [
    paint(terminal, 'bold', group),
    ...indices.map((from) => {
      const cells = columns.map((to) => padEnd(paintedSymbol(cellAt(view, from, to).state, terminal), pitch));
      return `  ${padEnd(view.points[from]?.name ?? '', rowWidth - 2)}${cells.join('')}`.trimEnd();
    }),
  ]);
  return `${[...header, ...body].join('\n')}\n`;
}

function paintedSymbol(state: CellState, terminal: Terminal): string {
  return state === 'na' ? symbols.na : paint(terminal, styles[state], symbols[state]);
}

type Pairs = readonly { readonly from: number; readonly to: number; readonly cell: ViewCell }[];

/** The pairs of which only some ports are allowed, those with the same ports together; '' when there are none. */
function renderPartial(view: MatrixView, terminal: Terminal): string {
  const { rows, columns } = axes(view);
  const pairs: Pairs = columns.flatMap((to) =>
    rows
      .map((from) => ({ from, to, cell: cellAt(view, from, to) }))
      .filter(({ cell }) => cell.state === 'some'),
  );
  const alike = Map.groupBy(pairs, ({ to, cell }) => `${to} ${describeCell(cell)}`);
  const denied: Column<Pairs> = { header: 'DENIED', cell: ([first]) => first?.cell.denied.join(', ') ?? '' };
  const table = renderColumns<Pairs>(
    [
      { header: `${symbols.some} TO`, cell: ([first]) => `  ${first ? labelOf(view, first.to) : ''}` },
      { header: 'ALLOWED', cell: ([first]) => first?.cell.allowed.join(', ') ?? '' },
      ...(terminal.columns < roomForDenied ? [] : [denied]),
      { header: 'FROM', cell: (same) => same.map(({ from }) => labelOf(view, from)).join(', '), wrap: true },
    ],
    [...alike.values()],
    terminal,
  );
  return table && `\n${table}`;
}

function labelOf(view: MatrixView, index: number): string {
  const point = view.points[index];
  return point ? pointLabel(point) : '';
}
