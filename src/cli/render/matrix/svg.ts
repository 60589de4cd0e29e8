/** The matrix as a picture: a self-contained SVG that follows the light or dark scheme of whoever looks at it. */
import { escapeMarkup } from '../markup.ts';
import { axes, cellAt, describeCell, groupsOf, pointLabel, type MatrixView, type ViewCell } from './view.ts';

const cellWidth = 36;
const cellHeight = 30;
const groupGap = 12;
const margin = 24;
const titleHeight = 64;
/** Average width of a character of the label font; labels are clipped by nothing, so it errs to the wide side. */
const characterWidth = 7.4;
const slope = Math.PI / 3;

interface Axis {
  /** Position of the first edge of each index, in the order of the axis. */
  readonly offsets: ReadonlyMap<number, number>;
  readonly groups: readonly { readonly group: string; readonly start: number; readonly end: number }[];
  readonly length: number;
}

export function renderMatrixSvg(view: MatrixView): string {
  const { rows, columns } = axes(view);
  // Each group of rows has a line above it for its name; the feet of the column labels stand beside the first one.
  const lead = cellHeight * 0.9;
  const vertical = layAxis(view, rows, { size: cellHeight, lead });
  const horizontal = layAxis(view, columns, { size: cellWidth, lead: 0 });
  const left = margin + 16 + longest(rows.map((row) => view.points[row]?.name ?? '')) * characterWidth;
  const headerLength = longest(columns.map((column) => columnLabel(view, column))) * characterWidth;
  const top = titleHeight + headerLength * Math.sin(slope) + 14 - lead;
  const groupNames = groupNameLayout(horizontal);
  const legendTop = top + vertical.length + groupNames.height + 24;
  // The labels of the last columns lean out to the right.
  const lean = Math.max(
    ...columns.map((column) => {
      const offset = horizontal.offsets.get(column) ?? 0;
      return offset + cellWidth / 2 + columnLabel(view, column).length * characterWidth * Math.cos(slope);
    }),
    horizontal.length,
  );
  const width = Math.ceil(Math.max(left + lean + margin, 560));
  const height = Math.ceil(legendTop + 16 + margin);

  const cells = rows.flatMap((from) =>
    columns.map((to) => {
      const x = left + (horizontal.offsets.get(to) ?? 0);
      const y = top + (vertical.offsets.get(from) ?? 0);
      return renderCell(view, { from, to, x, y });
    }),
  );
  const rowLabels = rows.map((row) => {
    const y = top + (vertical.offsets.get(row) ?? 0) + cellHeight / 2;
    return `<text class="name row" data-row="${row}" x="${left - 10}" y="${round(y)}">${escapeMarkup(view.points[row]?.name ?? '')}${titleOf(view, row)}</text>`;
  });
  const rowGroups = vertical.groups.map(
    ({ group, start }) =>
      `<text class="group" x="${margin}" y="${round(top + start - 9)}">${escapeMarkup(group)}</text>`,
  );
  const columnLabels = columns.map((column) => {
    const x = round(left + (horizontal.offsets.get(column) ?? 0) + cellWidth / 2 + 3);
    const y = round(top + lead - 10);
    const ports = view.points[column]?.ports ?? [];
    const portText =
      ports.length > 0 ? `<tspan class="ports"> ${escapeMarkup(portSummary(ports))}</tspan>` : '';
    return `<text class="name column" data-column="${column}" transform="translate(${x} ${y}) rotate(-60)">${escapeMarkup(view.points[column]?.name ?? '')}${portText}${titleOf(view, column)}</text>`;
  });
  const bottom = top + vertical.length + 8;
  const columnGroups = horizontal.groups.map(({ group, start, end }) => {
    const middle = round(left + (start + end) / 2);
    const transform = groupNames.slanted ? ` transform="rotate(35 ${middle} ${round(bottom + 16)})"` : '';
    return (
      `<path class="bracket" d="M${round(left + start)} ${bottom}v5h${round(end - start)}v-5"/>` +
      `<text class="group ${groupNames.slanted ? 'slanted' : 'centred'}" x="${middle}" y="${round(bottom + 22)}"${transform}>${escapeMarkup(group)}</text>`
    );
  });

  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="Who may talk to whom">
<style>${svgStyle}</style>
<rect class="page" width="${width}" height="${height}" rx="10"/>
<text class="title" x="${margin}" y="38">Who may talk to whom</text>
<text class="subtitle" x="${margin}" y="58">${escapeMarkup(view.summary)}</text>
${[...columnLabels, ...rowGroups, ...rowLabels, ...cells, ...columnGroups, ...legend(margin, legendTop)].join('\n')}
</svg>
`;
}

/** Places the indices one after the other, with `lead` before each group for its name. */
function layAxis(
  view: MatrixView,
  indices: readonly number[],
  { size, lead }: { readonly size: number; readonly lead: number },
): Axis {
  const offsets = new Map<number, number>();
  const groups: { group: string; start: number; end: number }[] = [];
  let position = 0;
  for (const { group, indices: members } of groupsOf(view, indices)) {
    position += (groups.length > 0 ? groupGap : 0) + lead;
    const start = position;
    for (const index of members) {
      offsets.set(index, position);
      position += size;
    }
    groups.push({ group, start, end: position });
  }
  return { offsets, groups, length: position };
}

/** Names of column groups stand below the matrix: upright if each fits over its columns, else slanted. */
function groupNameLayout({ groups }: Axis): { readonly slanted: boolean; readonly height: number } {
  const slanted = groups.some(
    ({ group, start, end }) => group.length * characterWidth > end - start + groupGap,
  );
  const reach = longest(groups.map(({ group }) => group)) * characterWidth;
  return { slanted, height: slanted ? 30 + reach * Math.sin((35 * Math.PI) / 180) : 34 };
}

function renderCell(
  view: MatrixView,
  { from, to, x, y }: { from: number; to: number; x: number; y: number },
): string {
  const cell = cellAt(view, from, to);
  if (cell.state === 'na') return '';
  const at = `x="${round(x + 1)}" y="${round(y + 1)}" width="${cellWidth - 2}" height="${cellHeight - 2}" rx="4"`;
  const source = view.points[from];
  const destination = view.points[to];
  const title = `${source ? pointLabel(source) : ''} → ${destination ? pointLabel(destination) : ''}: ${describeCell(cell)}`;
  const text =
    cell.state === 'some'
      ? `<text class="count" x="${round(x + cellWidth / 2)}" y="${round(y + cellHeight / 2)}">${someText(cell)}</text>`
      : '';
  return `<g class="cell ${cell.state}" data-from="${from}" data-to="${to}"><rect ${at}/>${text}<title>${escapeMarkup(title)}</title></g>`;
}

/** The port, if only one is allowed (`7070`, and `53` for TCP and UDP), else how many of all (`2/3`). */
function someText({ allowed, denied }: ViewCell): string {
  const [only, ...others] = new Set(allowed.map((port) => port.replace(/\/.*$/, '')));
  if (only !== undefined && others.length === 0) return only;
  return `${allowed.length}/${allowed.length + denied.length}`;
}

function legend(x: number, y: number): string[] {
  const entries = [
    { state: 'all', text: 'all ports' },
    { state: 'some', text: 'some of its ports: which one, or how many of all' },
    { state: 'none', text: 'nothing' },
  ];
  let left = x;
  return entries.map(({ state, text }) => {
    const at = left;
    left += 26 + text.length * characterWidth + 22;
    const count =
      state === 'some' ? `<text class="count" x="${round(at + 9)}" y="${round(y + 9)}">½</text>` : '';
    return `<g class="${state}"><rect x="${round(at)}" y="${round(y)}" width="18" height="18" rx="4"/>${count}</g><text class="legend" x="${round(at + 26)}" y="${round(y + 9)}">${text}</text>`;
  });
}

function titleOf(view: MatrixView, index: number): string {
  const point = view.points[index];
  if (!point) return '';
  const ports = point.ports.length > 0 ? `\n${point.ports.join(', ')}` : '';
  return `<title>${escapeMarkup(`${pointLabel(point)}\n${point.detail}${ports}`)}</title>`;
}

function columnLabel(view: MatrixView, index: number): string {
  const point = view.points[index];
  return point ? `${point.name} ${portSummary(point.ports)}` : '';
}

/** `7070`, `53/UDP`, `8080 +2`: TCP goes without saying. */
function portSummary(ports: readonly string[]): string {
  const [first, ...rest] = ports;
  if (first === undefined) return '';
  return `${first.replace(/\/TCP$/, '')}${rest.length > 0 ? ` +${rest.length}` : ''}`;
}

function longest(texts: readonly string[]): number {
  return Math.max(0, ...texts.map((text) => text.length));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

const svgStyle = `
svg { --page: #ffffff; --ink: #16202c; --soft: #66717f; --all: #159570; --some: #f3b54a; --someInk: #4a3000; --none: #e8ecf1; --edge: #c3cbd5; }
@media (prefers-color-scheme: dark) {
  svg { --page: #10161d; --ink: #e8edf3; --soft: #93a0af; --all: #2bb58c; --some: #e0a238; --someInk: #241700; --none: #222c37; --edge: #465261; }
}
text { font: 13px system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif; fill: var(--ink); }
.page { fill: var(--page); }
.title { font-size: 20px; font-weight: 650; }
.subtitle, .legend, .ports { fill: var(--soft); }
.ports { font-size: 11px; }
.group { font-size: 12px; font-weight: 650; fill: var(--soft); letter-spacing: 0.02em; }
.centred { text-anchor: middle; }
.row { text-anchor: end; dominant-baseline: central; }
.legend { dominant-baseline: central; }
.bracket { fill: none; stroke: var(--edge); stroke-width: 1.5; }
.all rect { fill: var(--all); }
.some rect { fill: var(--some); }
.none rect { fill: var(--none); }
.count { font-size: 10px; font-weight: 650; text-anchor: middle; dominant-baseline: central; fill: var(--someInk); pointer-events: none; }
`;
