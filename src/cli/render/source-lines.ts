import { readFileSync } from 'node:fs';
import type { Position } from '../../errors.ts';
import { printable } from './printable.ts';

/** Texts of what is in no file, by the name that positions give it. */
export type SourceTexts = Readonly<Record<string, string>>;

/**
 * Up to `count` lines of the source from the one that a position names; none when it can't be read (standard input, a
 * file that is gone).
 */
export function readSourceLines(position: Position, count: number, texts: SourceTexts = {}): string[] {
  if (position.file === '-') return [];
  let text = Object.hasOwn(texts, position.file) ? texts[position.file] : undefined;
  try {
    text ??= readFileSync(position.file, 'utf8');
  } catch {
    // An excerpt is a help beside the position, which says enough by itself.
    return [];
  }
  const lines = text.split(/\r\n|\r|\n/).slice(position.line - 1, position.line - 1 + count);
  return lines.map(printable);
}
