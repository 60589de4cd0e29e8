/** Pieces of a source file: the line that a position names with a caret, or the block that begins there. */
import type { Position } from '../../errors.ts';
import { displayWidth, truncate } from './display-width.ts';
import { readSourceLines, type SourceTexts } from './source-lines.ts';
import { paint, type Style, type Terminal } from './terminal.ts';

/** Lines of a block that are shown at most. */
const longestBlock = 10;

/** The mapping or sequence item that begins at the position: its line, and what is indented at least as far. */
export function renderBlock(position: Position, terminal: Terminal, texts?: SourceTexts): string[] {
  const [first, ...following] = readSourceLines(position, longestBlock + 1, texts);
  if (first === undefined) return [];
  const end = following.findIndex((line) => line.trim() === '' || indentOf(line) < position.column - 1);
  const all = [first, ...(end < 0 ? following : following.slice(0, end))];
  const lines =
    all.length > longestBlock
      ? [...all.slice(0, longestBlock - 1), `${' '.repeat(position.column - 1)}…`]
      : all;
  const width = String(position.line + lines.length - 1).length;
  return lines.map((line, index) => {
    const gutter = paint(terminal, 'dim', `${String(position.line + index).padStart(width)} |`);
    return `${gutter} ${truncate(line.trimEnd(), terminal.columns - width - 3)}`;
  });
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

/** The source line and a caret under the position; nothing when the source can't be read any more (stdin). */
export function renderExcerpt(position: Position, terminal: Terminal, style: Style): string[] {
  const [source] = readSourceLines(position, 1);
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
