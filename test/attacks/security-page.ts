/** The table of docs/security.md, made of the attacks. */
import type { Campaign } from './attack.ts';

const begin = '<!-- table: attacks -->\n';
const end = '<!-- end: attacks -->';

/** The page with its table replaced. Throws where its marks are missing. */
export function withAttackTable(page: string, campaigns: readonly Campaign[]): string {
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error('the page has no place for the table');
  return `${page.slice(0, from + begin.length)}\n${attackTable(campaigns)}\n${page.slice(to)}`;
}

function attackTable(campaigns: readonly Campaign[]): string {
  const rows = campaigns.flatMap(({ title, attacks }) =>
    attacks.map(({ name, standsFor, outcome, harmless }) => [
      title,
      name,
      standsFor.join(', '),
      harmless ? `${outcome} (the kernel alone sees to that)` : outcome,
    ]),
  );
  const head = ['Campaign', 'Attack', 'Stands for', 'What becomes of it'];
  return [head, head.map(() => '---'), ...rows].map(lineOf).join('');
}

function lineOf(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`;
}
