/** The matrix as one line per pair and port (RFC 4180 quoting, LF line ends), for spreadsheets and scripts. */
import { axes, cellAt, type MatrixView } from './view.ts';

const header = ['from_namespace', 'from', 'to_namespace', 'to', 'port', 'protocol', 'family', 'allowed'];

export function renderMatrixCsv(view: MatrixView): string {
  const { rows, columns } = axes(view);
  const records = rows.flatMap((from) =>
    columns.flatMap((to) => {
      const source = view.points[from];
      const destination = view.points[to];
      if (!source || !destination) return [];
      const { allowed, denied } = cellAt(view, from, to);
      const who = [source.group, source.name, destination.group, destination.name];
      return [
        ...allowed.map((port) => [...who, ...portFields(port), 'true']),
        ...denied.map((port) => [...who, ...portFields(port), 'false']),
      ];
    }),
  );
  return [header, ...records].map((record) => `${record.map(quote).join(',')}\n`).join('');
}

/** Number, protocol and address family; the family is empty where it makes no difference. */
function portFields(port: string): [string, string, string] {
  const [, number = '', protocol = '', family = ''] = /^(\d+)\/(\w+)(?: over (IPv\d))?$/.exec(port) ?? [];
  return [number, protocol, family];
}

function quote(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
