/** What a renderer of text may know about the place that it prints to. */
import { styleText } from 'node:util';

export interface Terminal {
  readonly colour: boolean;
  /** Columns to fit into. */
  readonly columns: number;
}

export type Style = Parameters<typeof styleText>[0];

/** A pipe has no width; tables that wrap or abbreviate take this one. */
export const defaultColumns = 120;

export const plainTerminal: Terminal = { colour: false, columns: defaultColumns };

/** `text` in a style, or as it is where colours are off. */
export function paint(terminal: Terminal, style: Style, text: string): string {
  return terminal.colour ? styleText(style, text, { validateStream: false }) : text;
}
