/** Columns that a text takes on a terminal: escape sequences take none, East Asian wide characters and emoji two. */
import { stripVTControlCharacters } from 'node:util';

// Unicode's East_Asian_Width W and F, coarse but right for what names, YAML excerpts and symbols can hold.
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u;
const escape = '\u001b';
const colourSequence = new RegExp(`(${escape}\\[[0-9;]*m)`);
const zeroWidth = /^[\p{Mn}\p{Me}\p{Cf}]$/u;

export function displayWidth(text: string): number {
  let width = 0;
  for (const character of stripVTControlCharacters(text)) {
    if (!zeroWidth.test(character)) width += wide.test(character) ? 2 : 1;
  }
  return width;
}

/** `text` with spaces after it up to `width` columns. */
export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - displayWidth(text)));
}

/** `text` with spaces before it up to `width` columns. */
export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - displayWidth(text))) + text;
}

/** The beginning of `text` that fits into `width` columns, with `…` where something is missing. */
export function truncate(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let taken = '';
  let used = 0;
  // Escape sequences are kept whole and take no room, so that a colour that was switched on is switched off too.
  for (const part of text.split(colourSequence)) {
    if (part.startsWith(escape)) {
      taken += part;
      continue;
    }
    for (const character of part) {
      const next = used + displayWidth(character);
      if (next > width - 1) {
        if (used < width) taken += '…';
        used = width;
        break;
      }
      taken += character;
      used = next;
    }
  }
  return taken;
}
