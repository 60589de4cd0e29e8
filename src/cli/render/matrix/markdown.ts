/** The matrix as a GitHub-flavoured Markdown table, for a pull request or a wiki. */
import { axes, cellAt, pointLabel, type MatrixView, type ViewCell } from './view.ts';

export function renderMatrixMarkdown(view: MatrixView): string {
  const { rows, columns } = axes(view);
  const label = (index: number): string => {
    const point = view.points[index];
    return point ? escape(pointLabel(point)) : '';
  };
  const header = columns.map((to) => {
    const ports = view.points[to]?.ports ?? [];
    return [label(to), ...ports.map(escape)].join('<br>');
  });
  const lines = [
    ['from ↓ to →', ...header],
    ['---', ...columns.map(() => ':---:')],
    ...rows.map((from) => [`**${label(from)}**`, ...columns.map((to) => cellText(cellAt(view, from, to)))]),
  ];
  const table = lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  return `${table}\n\n● all ports, ◐ only the ports named, · none. ${escape(view.summary)}\n`;
}

function cellText({ state, allowed }: ViewCell): string {
  switch (state) {
    case 'all':
      return '●';
    case 'some':
      return `◐ ${allowed.map(escape).join(' ')}`;
    case 'none':
      return '·';
    case 'na':
      return ' ';
  }
}

function escape(text: string): string {
  return text.replaceAll(/[\\`*_{}[\]<>|]/g, (character) => `\\${character}`);
}
