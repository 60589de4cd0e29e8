import { readFileSync } from 'node:fs';
import type { Position } from '../../errors.ts';

/** The line of the source that a position names; undefined when it can't be read (standard input, a file that is gone). */
export function readSourceLine(position: Position): string | undefined {
  if (position.file === '-') return undefined;
  let text: string;
  try {
    text = readFileSync(position.file, 'utf8');
  } catch {
    // An excerpt is a help beside the position, which says enough by itself.
    return undefined;
  }
  const line = text.split(/\r\n|\r|\n/)[position.line - 1];
  // Control characters of a binary file must not reach a terminal.
  return line?.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\ufffd]/g, '·');
}
