import type { Terminal } from './terminal.ts';
import { wrap } from './wrap.ts';

/** Columns before the text of a labelled line. */
export const labelWidth = 10;

/** A label and its text, wrapped under itself. */
export function labelled(label: string, text: string, terminal: Terminal): string {
  const [first = '', ...rest] = wrap(text, terminal.columns - labelWidth);
  const indent = ' '.repeat(labelWidth);
  return [`${label.padEnd(labelWidth)}${first}`, ...rest.map((line) => `${indent}${line}`)].join('\n');
}
