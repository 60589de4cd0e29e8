/**
 * How kubectl writes a text in YAML: with or without quotes, on how many lines.
 * Upstream: sigs.k8s.io/yaml/goyaml.v2, encode.go (stringv) and emitterc.go (yaml_emitter_analyze_scalar and the
 * functions that write scalars).
 */
import { resolvePlain } from '../../objects/scalar.ts';

export type ScalarStyle = 'plain' | 'single' | 'double' | 'literal';

export interface ScalarPlace {
  /** Columns before the text. */
  readonly column: number;
  /** Of the lines that follow the first. */
  readonly indent: number;
  /** A key stays on one line. */
  readonly isKey: boolean;
}

/** After this column a line ends at the next blank. */
const bestWidth = 80;

/** Words that other readers of YAML take for numbers and dates. */
const otherWords = new RegExp(
  [
    /[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)/,
    /[-+]?\d[\d_]*(?::[0-5]?\d)+(?:\.[\d_]*)?/,
    /\d{4}-\d{1,2}-\d{1,2}(?:[Tt ]\d{1,2}:\d{1,2}:\d{1,2}(?:\.\d+)?)?/,
    /\d{4}-\d{1,2}-\d{1,2}[Tt]\d{1,2}:\d{1,2}:\d{1,2}(?:\.\d+)?(?:Z|[-+]\d\d:\d\d)/,
  ]
    .map(({ source }) => `^(?:${source})$`)
    .join('|'),
);

/** What YAML can show as it is. */
const notPrintable = /[^\n\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd]/u;
const breaks = /[\r\n\x85\u2028\u2029]/u;

export function styleOf(text: string, isKey: boolean): ScalarStyle {
  if (text === '') return 'double';
  const shape = analyze(text);
  if (text.includes('\n')) return shape.mayBeBlock && !isKey ? 'literal' : 'double';
  // A plain `<<` would be read as a merge.
  if (isKey && (shape.hasBreaks || text === '<<')) return 'double';
  if (resolvePlain(text) !== text || otherWords.test(text)) return 'double';
  if (shape.mayBePlain) return 'plain';
  return shape.mayBeSingle ? 'single' : 'double';
}

/** The text as it stands in the document. */
export function writeScalar(text: string, style: ScalarStyle, place: ScalarPlace): string {
  switch (style) {
    case 'plain':
      if (place.column + text.length <= bestWidth) return text;
      return fold(Array.from(text), place, { first: 0, last: Infinity });
    case 'single': {
      const characters = Array.from(text, (character) => (character === "'" ? "''" : character));
      return `'${fold(characters, { ...place, column: place.column + 1 }, insideQuotes(characters))}'`;
    }
    case 'double':
      return `"${foldEscaped(text, { ...place, column: place.column + 1 })}"`;
    case 'literal':
      return writeLiteral(text, place.indent);
  }
}

interface Shape {
  readonly mayBePlain: boolean;
  readonly mayBeSingle: boolean;
  readonly mayBeBlock: boolean;
  readonly hasBreaks: boolean;
}

function analyze(text: string): Shape {
  const hasBreaks = breaks.test(text);
  const isSpecial = notPrintable.test(text) || / [\r\n\x85\u2028\u2029]/u.test(text);
  const isIndicator =
    /^(?:[#,[\]{}&*!|>'"%@`]|[?:-](?:[ \t\r\n\x85\u2028\u2029]|$)|---|\.\.\.)/u.test(text) ||
    /:(?:[ \t\r\n\x85\u2028\u2029]|$)/u.test(text.slice(1)) ||
    /[ \t\r\n\x85\u2028\u2029]#/u.test(text);
  const isPadded = /^[ \r\n\x85\u2028\u2029]|[ \r\n\x85\u2028\u2029]$/u.test(text);
  return {
    mayBePlain: !isSpecial && !isIndicator && !isPadded && !hasBreaks,
    mayBeSingle: !isSpecial && !/[\r\n\x85\u2028\u2029] /u.test(text),
    mayBeBlock: !isSpecial && !text.endsWith(' '),
    hasBreaks,
  };
}

/** Between which characters a line may end. */
interface Foldable {
  readonly first: number;
  readonly last: number;
}

function insideQuotes(characters: readonly string[]): Foldable {
  return { first: 1, last: characters.length - 2 };
}

/** A single blank beyond the best width becomes the end of a line. */
function fold(characters: readonly string[], place: ScalarPlace, { first, last }: Foldable): string {
  let [column, result] = [place.column, ''];
  for (const [index, character] of characters.entries()) {
    const isSingleBlank = character === ' ' && characters[index - 1] !== ' ' && characters[index + 1] !== ' ';
    if (isSingleBlank && !place.isKey && column > bestWidth && index >= first && index <= last) {
      result += lineEnd(place.indent);
      column = place.indent;
    } else {
      result += character;
      column += character.length > 1 && character === "''" ? 2 : 1;
    }
  }
  return result;
}

/** Beyond the best width the first of several blanks becomes the end of a line, and the next one is escaped. */
function foldEscaped(text: string, place: ScalarPlace): string {
  let [column, result] = [place.column, ''];
  const characters = Array.from(text);
  for (const [index, character] of characters.entries()) {
    const isFirstBlank = character === ' ' && characters[index - 1] !== ' ';
    const isInside = index > 0 && index < characters.length - 1;
    if (isFirstBlank && !place.isKey && column > bestWidth && isInside) {
      const escape = characters[index + 1] === ' ' ? '\\' : '';
      result += lineEnd(place.indent) + escape;
      column = place.indent + escape.length;
    } else {
      const written = escapeCharacter(character);
      result += written;
      column += character === written ? 1 : written.length;
    }
  }
  return result;
}

const escapes: Readonly<Record<string, string>> = {
  '\0': '\\0',
  '\x07': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '\x1b': '\\e',
  '"': '\\"',
  '\\': '\\\\',
  '\x85': '\\N',
  '\xa0': '\\_',
  '\u2028': '\\L',
  '\u2029': '\\P',
};

function escapeCharacter(character: string): string {
  const isPlain =
    character !== '"' && character !== '\\' && !notPrintable.test(character) && !breaks.test(character);
  if (isPlain) return character;
  const known = escapes[character];
  if (known !== undefined) return known;
  const hex = (character.codePointAt(0) ?? 0).toString(16).toUpperCase();
  if (hex.length <= 2) return `\\x${hex.padStart(2, '0')}`;
  return hex.length <= 4 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}

function writeLiteral(text: string, indent: number): string {
  const hint = /^[ \n]/.test(text) ? '2' : '';
  const chomp = text.endsWith('\n') ? (text === '\n' || text.endsWith('\n\n') ? '+' : '') : '-';
  const lines = text.replace(/\n$/, '').split('\n');
  const body = text === '\n' ? [''] : lines;
  return [`|${hint}${chomp}`, ...body.map((line) => (line === '' ? '' : ' '.repeat(indent) + line))].join(
    '\n',
  );
}

function lineEnd(indent: number): string {
  return `\n${' '.repeat(indent)}`;
}
