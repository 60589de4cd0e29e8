/** Diagnostics for people: as compilers print them, with the line of the source and a caret under the column. */
import { formatPosition, type Diagnostic, type Position } from '../../errors.ts';
import { displayWidth } from './display-width.ts';
import { readSourceLine } from './source-line.ts';
import { paint, type Style, type Terminal } from './terminal.ts';

const styles: Readonly<Record<Diagnostic['severity'], Style>> = {
  error: ['bold', 'red'],
  warning: ['bold', 'yellow'],
};

/** One block per diagnostic; ends with a newline. */
export function renderDiagnostics(diagnostics: readonly Diagnostic[], terminal: Terminal): string {
  return diagnostics.map((diagnostic) => renderDiagnostic(diagnostic, terminal)).join('');
}

function renderDiagnostic(diagnostic: Diagnostic, terminal: Terminal): string {
  const { severity, code, message, hint, position, field } = diagnostic;
  const where = position ? `${formatPosition(position)}: ` : '';
  const label = paint(terminal, styles[severity], `${severity} ${code}`);
  const lines = [`${where}${label}: ${field ? `${field}: ` : ''}${message}`];
  if (position) lines.push(...renderExcerpt(position, terminal, styles[severity]));
  if (hint) lines.push(`  ${paint(terminal, 'cyan', 'hint:')} ${hint}`);
  return `${lines.join('\n')}\n`;
}

/** The source line and a caret under the position; nothing when the source can't be read any more (stdin). */
export function renderExcerpt(position: Position, terminal: Terminal, style: Style): string[] {
  const source = readSourceLine(position);
  if (source === undefined) return [];
  const number = String(position.line);
  const { text, caretAt } = clip(source, position.column - 1, terminal.columns - number.length - 5);
  const gutter = (label: string): string => paint(terminal, 'dim', `  ${label} |`);
  return [
    `${gutter(number)} ${text}`,
    `${gutter(' '.repeat(number.length))} ${' '.repeat(caretAt)}${paint(terminal, style, '^')}`,
  ];
}

/** The part of a line around `column` (from 0) that fits into `width` columns, and where in it the column is. */
function clip(line: string, column: number, width: number): { text: string; caretAt: number } {
  const shown = line.replaceAll('\t', ' ').trimEnd();
  if (displayWidth(shown) <= width) return { text: shown, caretAt: displayWidth(shown.slice(0, column)) };
  const start = Math.max(0, Math.min(column - Math.floor(width / 2), shown.length - width + 1));
  const head = start > 0 ? '…' : '';
  const text = `${head}${shown.slice(start, start + width - 2)}${start + width - 2 < shown.length ? '…' : ''}`;
  return { text, caretAt: head.length + displayWidth(shown.slice(start, column)) };
}
