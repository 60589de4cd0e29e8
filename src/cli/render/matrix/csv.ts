/** The matrix as one line per pair and port (RFC 4180 quoting, LF line ends), for spreadsheets and scripts. */
import { axes, cellAt, type MatrixView } from './view.ts';

const header = ['from_namespace', 'from', 'to_namespace', 'to', 'port', 'protocol', 'allowed'];

export function renderMatrixCsv(view: MatrixView): string {
  const { rows, columns } = axes(view);
  const records = rows.flatMap((from) =>
    columns.flatMap((to) => {
      const source = view.points[from];
      const destination = view.points[to];
      const cell = cellAt(view, from, to);
      if (!source || !destination) return [];
      return destination.ports
        .filter((port) => cell.allowed.includes(port) || cell.denied.includes(port))
        .map((port) => {
          const [number = '', protocol = ''] = port.split('/');
          const allowed = String(cell.allowed.includes(port));
          return [source.group, source.name, destination.group, destination.name, number, protocol, allowed];
        });
    }),
  );
  return [header, ...records].map((record) => `${record.map(quote).join(',')}\n`).join('');
}

function quote(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
