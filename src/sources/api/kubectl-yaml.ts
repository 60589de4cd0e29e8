/**
 * Objects of an API server → the YAML that `kubectl get -o yaml` prints, with the place of everything in it: a document
 * like those that are parsed from files, without the parsing.
 * Upstream: sigs.k8s.io/yaml/goyaml.v2, emitterc.go and sorter.go.
 */
import { LineCounter, Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml';
import type { Node } from 'yaml';
import { styleOf, writeScalar, type ScalarStyle } from './kubectl-scalar.ts';

export interface KubectlYaml {
  readonly text: string;
  readonly root: Node;
  readonly lines: LineCounter;
}

const step = 2;

/** A longer key, in bytes, stands on a line of its own, behind a question mark. */
const maxSimpleKey = 128;

const types = {
  plain: 'PLAIN',
  single: 'QUOTE_SINGLE',
  double: 'QUOTE_DOUBLE',
  literal: 'BLOCK_LITERAL',
} as const;

/** `value` must be what JSON can say. */
export function printAsKubectl(value: unknown): KubectlYaml {
  const printer = new Printer();
  const root = printer.value(value, { indent: 0, isAfterKey: false });
  printer.end();
  return { text: printer.text, root, lines: printer.lines };
}

interface ValuePlace {
  /** Of the collection in which the value stands. */
  readonly indent: number;
  /** A list that is the value of a key is not indented, one in a list is. */
  readonly isAfterKey: boolean;
}

class Printer {
  text = '';
  readonly lines = new LineCounter();
  /** Where the line begins that is being written. */
  #lineStart = 0;
  /** Of what was written last. To look at the text itself would put it together anew each time. */
  #endsBlank = false;

  constructor() {
    this.lines.addNewLine(0);
  }

  end(): void {
    this.#write('\n');
  }

  /** Writes the value where the text ends, which for collections is after a dash, a colon, or at the very beginning. */
  value(value: unknown, place: ValuePlace): Node {
    if (Array.isArray(value)) return this.#list(value, place);
    if (typeof value === 'object' && value !== null) return this.#map(value, place);
    this.#blank();
    return this.#scalar(value, { indent: place.indent + step, isKey: false });
  }

  #map(value: object, { indent, isAfterKey }: ValuePlace): Node {
    const map = new YAMLMap<Node, Node>();
    const keys = Object.keys(value).sort(compareKeys);
    if (keys.length === 0) return this.#flow(map, '{}');
    if (isAfterKey) this.#newLine(indent);
    else this.#blank();
    const start = this.text.length;
    for (const [index, key] of keys.entries()) {
      if (index > 0) this.#newLine(indent);
      map.items.push(this.#pair(key, (value as Readonly<Record<string, unknown>>)[key], indent));
    }
    return this.#ranged(map, start);
  }

  #pair(key: string, value: unknown, indent: number): Pair<Node, Node> {
    const isSimple = Buffer.byteLength(key) <= maxSimpleKey && !/[\r\n\x85\u2028\u2029]/.test(key);
    if (!isSimple) this.#write('? ');
    const node = this.#scalar(key, { indent: indent + step, isKey: isSimple });
    if (!isSimple) this.#newLine(indent);
    this.#write(':');
    const isList = Array.isArray(value) && value.length > 0;
    const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
    const inner = isMap || (isList && !isSimple) ? indent + step : indent;
    return new Pair(node, this.value(value, { indent: inner, isAfterKey: isSimple && (isList || isMap) }));
  }

  #list(value: readonly unknown[], { indent, isAfterKey }: ValuePlace): Node {
    const list = new YAMLSeq<Node>();
    if (value.length === 0) return this.#flow(list, '[]');
    if (isAfterKey) this.#newLine(indent);
    else this.#blank();
    const start = this.text.length;
    for (const [index, item] of value.entries()) {
      if (index > 0) this.#newLine(indent);
      this.#write('-');
      const isCollection = typeof item === 'object' && item !== null;
      list.items.push(this.value(item, { indent: isCollection ? indent + step : indent, isAfterKey: false }));
    }
    return this.#ranged(list, start);
  }

  #flow<T extends YAMLMap | YAMLSeq>(node: T, text: string): T {
    node.flow = true;
    this.#blank();
    const start = this.text.length;
    this.#write(text);
    return this.#ranged(node, start);
  }

  #scalar(value: unknown, { indent, isKey }: { indent: number; isKey: boolean }): Node {
    const isText = typeof value === 'string';
    const style: ScalarStyle = isText ? styleOf(value, isKey) : 'plain';
    const text = isText ? value : String(value);
    const node = new Scalar(text);
    node.type = types[style];
    const start = this.text.length;
    this.#write(writeScalar(text, style, { column: start - this.#lineStart, indent, isKey }));
    return this.#ranged(node, start);
  }

  #ranged<T extends Node>(node: T, start: number): T {
    node.range = [start, this.text.length, this.text.length];
    return node;
  }

  /** Separates from what stands before on the line. */
  #blank(): void {
    if (this.text.length > this.#lineStart && !this.#endsBlank) this.#write(' ');
  }

  #newLine(indent: number): void {
    this.#write(`\n${' '.repeat(indent)}`);
  }

  #write(text: string): void {
    const start = this.text.length;
    this.text += text;
    if (text !== '') this.#endsBlank = text.endsWith(' ');
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) {
      this.#lineStart = start + at + 1;
      this.lines.addNewLine(this.#lineStart);
    }
  }
}

/** Letters after other characters, and numbers within by their value. Upstream: goyaml.v2/sorter.go, keyList.Less. */
export function compareKeys(a: string, b: string): number {
  const [left, right] = [Array.from(a), Array.from(b)];
  const index = left.findIndex((character, at) => character !== right[at]);
  const [one = '', other = ''] = [left[index], right[index]];
  if (index < 0 || other === '') return left.length - right.length;
  const order = codePoint(one) - codePoint(other);
  if (isLetter(one) || isLetter(other))
    return isLetter(one) && isLetter(other) ? order : isLetter(other) ? -1 : 1;
  // A zero is the first digit of a number only if no other digit goes before.
  const isWithin = (one === '0' || other === '0') && /[1-9]\p{Nd}*$/u.test(left.slice(0, index).join(''));
  const [n, m] = [left, right].map((characters) => digitsAt(characters, index));
  const valueOf = (digits = ''): bigint => BigInt(`${isWithin ? '1' : '0'}${digits}`);
  if (valueOf(n) !== valueOf(m)) return valueOf(n) < valueOf(m) ? -1 : 1;
  return (n ?? '').length - (m ?? '').length || order;
}

function digitsAt(characters: readonly string[], start: number): string {
  const rest = characters.slice(start);
  const end = rest.findIndex((character) => !/\d/.test(character));
  return rest.slice(0, end < 0 ? undefined : end).join('');
}

function isLetter(character: string): boolean {
  return /\p{L}/u.test(character);
}

function codePoint(character: string): number {
  return character.codePointAt(0) ?? 0;
}
