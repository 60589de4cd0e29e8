/** The tables of docs/conformance.md, made of the corpus. */
import type { Case } from './case.ts';
import type { Corpus } from './corpus.ts';
import { readCornerCases } from './corner-cases.ts';

/** Markdown by the name that the page's marks have. */
export function conformanceTables({ cases }: Corpus): ReadonlyMap<string, string> {
  return new Map([
    ['families', familyTable(cases)],
    ['upstream', upstreamTable(cases)],
    ['corner cases', cornerTable(cases)],
  ]);
}

/** The page with every table between its marks replaced. Throws where a mark is missing. */
export function withTables(page: string, tables: ReadonlyMap<string, string>): string {
  return [...tables].reduce((text, [name, markdown]) => {
    const [begin, end] = [`<!-- table: ${name} -->\n`, `<!-- end: ${name} -->`];
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`the page has no place for the table "${name}"`);
    return `${text.slice(0, from + begin.length)}\n${markdown}\n${text.slice(to)}`;
  }, page);
}

function familyTable(cases: readonly Case[]): string {
  const families = [...Map.groupBy(cases, ({ family }) => family)];
  const rows = families.map(([family, members]) => {
    const steps = members.reduce((sum, one) => sum + one.steps.length, 0);
    const runs = members.reduce((sum, one) => sum + one.stacks.length, 0);
    return [`\`${family}\``, members.length, steps, runs];
  });
  const sum = (column: number) => rows.reduce((total, row) => total + Number(row[column]), 0);
  return table(['Family', 'Cases', 'Steps', 'Runs'], [...rows, ['all', sum(1), sum(2), sum(3)]]);
}

function upstreamTable(cases: readonly Case[]): string {
  const named = cases.filter(({ upstream }) => upstream !== undefined);
  return table(
    ['Case', 'Upstream', 'What it shows'],
    named.map(({ id, upstream = '', title }) => [`\`${id}\``, upstream, title]),
  );
}

function cornerTable(cases: readonly Case[]): string {
  const rows = readCornerCases(cases).map(({ number, title, cases: ids }) => [
    number,
    title,
    ids.length > 0 ? ids.map((id) => `\`${id}\``).join(', ') : 'tests alone',
  ]);
  return table(['#', 'About', 'Cases'], rows);
}

/** A table of Markdown. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]) =>
    `| ${cells.map((cell) => String(cell).replaceAll('|', String.raw`\|`)).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line), ''].join('\n');
}
