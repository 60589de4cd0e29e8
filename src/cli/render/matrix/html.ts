/** The matrix as one self-contained page: the picture with a cross-hair and a filter, and what is allowed as a list. */
import { escapeMarkup } from '../markup.ts';
import { renderMatrixSvg } from './svg.ts';
import { axes, cellAt, pointLabel, type MatrixView } from './view.ts';

export function renderMatrixHtml(view: MatrixView): string {
  const { rows, columns } = axes(view);
  const label = (index: number): string => {
    const point = view.points[index];
    return point ? escapeMarkup(pointLabel(point)).replace('/', '/<wbr>') : '';
  };
  const connections = rows.flatMap((from) =>
    columns
      .filter((to) => to !== from && cellAt(view, from, to).allowed.length > 0)
      .map((to) => {
        const { state, allowed, denied } = cellAt(view, from, to);
        const not =
          state === 'some' ? ` <span class="denied">not ${escapeMarkup(denied.join(', '))}</span>` : '';
        return `<tr data-from="${from}" data-to="${to}"><td>${label(from)}</td><td>${label(to)}</td><td>${escapeMarkup(allowed.join(', '))}${not}</td></tr>`;
      }),
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Who may talk to whom</title>
<style>${pageStyle}</style>
<main>
<section>${renderMatrixSvg(view)}</section>
<aside>
<label for="filter">Filter</label>
<input id="filter" type="search" placeholder="part of a name, e.g. cart" autocomplete="off">
<p id="detail" aria-live="polite">Point at a cell.</p>
<h2>Allowed connections</h2>
<table><thead><tr><th>From</th><th>To</th><th>Ports</th></tr></thead>
<tbody>
${connections.join('\n')}
</tbody></table>
</aside>
</main>
<script>${pageScript}</script>
</html>
`;
}

const pageStyle = `
:root { --paper: #f4f6f9; --card: #ffffff; --ink: #16202c; --soft: #66717f; --line: #dfe4ea; --denied: #a35a00; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #0a0e13; --card: #10161d; --ink: #e8edf3; --soft: #93a0af; --line: #263039; --denied: #e0a238; }
}
body { margin: 0; background: var(--paper); color: var(--ink); font: 14px/1.45 system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif; }
main { display: flex; flex-wrap: wrap; gap: 20px; padding: 20px; align-items: flex-start; }
section, aside { background: var(--card); border: 1px solid var(--line); border-radius: 12px; }
section { overflow-x: auto; max-width: 100%; }
section svg { display: block; }
aside { flex: 1 1 340px; padding: 20px 24px; min-width: 0; max-width: 640px; }
label, th { color: var(--soft); font-size: 12px; font-weight: 650; text-align: left; }
input { display: block; width: 100%; box-sizing: border-box; margin-top: 4px; padding: 8px 10px; font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--line); border-radius: 8px; }
#detail { min-height: 3em; margin: 14px 0; white-space: pre-line; }
h2 { font-size: 15px; margin: 0 0 8px; }
table { border-collapse: collapse; width: 100%; }
td, th { padding: 4px 12px 4px 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
tr.marked td { background: var(--paper); }
.denied { color: var(--denied); }
.cell rect { transition: opacity 80ms; }
.dimmed { opacity: 0.25; }
.name.marked { font-weight: 700; }
.cell.marked rect { stroke: var(--ink); stroke-width: 2; }
tr[hidden] { display: none; }
`;

// Runs in the page, without a build step and without anything from elsewhere.
const pageScript = `
const all = (selector) => [...document.querySelectorAll(selector)];
const cells = all('.cell'), names = all('.name'), lines = all('tbody tr');
const indexOf = (element) => element.dataset.row ?? element.dataset.column;
const title = (element) => element.querySelector('title').textContent;
const detail = document.getElementById('detail');
const show = (from, to, text) => {
  for (const cell of cells) cell.classList.toggle('marked', cell.dataset.from === from && cell.dataset.to === to);
  for (const line of lines) line.classList.toggle('marked', line.dataset.from === from && line.dataset.to === to);
  for (const name of names) name.classList.toggle('marked', name.dataset.row === from || name.dataset.column === to);
  if (text) detail.textContent = text;
};
for (const cell of cells) {
  cell.addEventListener('mouseenter', () => show(cell.dataset.from, cell.dataset.to, title(cell).replace(': ', '\\n')));
  cell.addEventListener('mouseleave', () => show());
}
for (const line of lines) {
  line.addEventListener('mouseenter', () => show(line.dataset.from, line.dataset.to));
  line.addEventListener('mouseleave', () => show());
}
const filter = (text) => {
  const found = new Set(names.filter((name) => title(name).toLowerCase().includes(text)).map(indexOf));
  const shown = (element) => text === '' || found.has(element.dataset.from) || found.has(element.dataset.to);
  for (const cell of cells) cell.classList.toggle('dimmed', !shown(cell));
  for (const line of lines) line.hidden = !shown(line);
  for (const name of names) name.classList.toggle('dimmed', text !== '' && !found.has(indexOf(name)));
};
document.getElementById('filter').addEventListener('input', (event) => filter(event.target.value.trim().toLowerCase()));
`;
