/**
 * A place in a parsed YAML or JSON document that knows its file position and its API field path, so that whatever
 * is wrong with it is reported where it stands. Reading a field of the wrong type reports that and yields undefined;
 * decoding goes on, so that one run reports everything. As in the API, null is the same as absent.
 */
import { isAlias, isMap, isScalar, isSeq } from 'yaml';
import type { Alias, LineCounter, Node, YAMLMap } from 'yaml';
import { failure, warning, type Diagnostic, type Position } from '../errors.ts';
import { scalarValue, type ScalarValue } from './scalar.ts';
import { closest } from './suggest.ts';

/** What all cursors of a document share. */
export interface DocumentContext {
  readonly file: string;
  readonly lines: LineCounter;
  /** What each alias stands for; aliases are acyclic and their expansion is bounded. */
  readonly aliases: ReadonlyMap<Alias, Node>;
  /** Collects what is wrong. */
  readonly diagnostics: Diagnostic[];
  readonly unknownFields: 'error' | 'warn';
}

export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

interface Entry {
  readonly key: Node | null;
  readonly value: Node | null;
}

const int32 = { min: -(2 ** 31), max: 2 ** 31 - 1 };

export class Cursor {
  /** In the API server's notation: `spec.ingress[0].from`; empty for the whole object. */
  readonly field: string;
  readonly #node: Node | null;
  readonly #context: DocumentContext;
  /** Where to point when the value itself has no place (`key:` with nothing after it). */
  readonly #offset: number;
  #entries: ReadonlyMap<string, Entry> | undefined;

  constructor(context: DocumentContext, node: Node | null, place: { field: string; offset: number }) {
    this.#context = context;
    this.#node = isAlias(node) ? (context.aliases.get(node) ?? null) : node;
    this.field = place.field;
    // Of an alias it is the alias itself: that is where the value is used.
    this.#offset = node?.range && !isNothing(node) ? node.range[0] : place.offset;
  }

  get position(): Position {
    const { line, col } = this.#context.lines.linePos(this.#offset);
    return { file: this.#context.file, line, column: col };
  }

  /** The same place as an object of its own, whose field paths begin anew: an item of a List. */
  get root(): Cursor {
    return new Cursor(this.#context, this.#node, { field: '', offset: this.#offset });
  }

  error(problem: Problem): void {
    const { code, message, ...rest } = problem;
    this.#context.diagnostics.push(failure(code, message, { ...rest, ...this.#where() }));
  }

  warn(problem: Problem): void {
    const { code, message, ...rest } = problem;
    this.#context.diagnostics.push(warning(code, message, { ...rest, ...this.#where() }));
  }

  /** Reports a value that has the right type and is still wrong, in the words of the API server's field errors. */
  invalid(value: string | number, reason: string, hint: string): void {
    this.error({
      code: 'FIELD_INVALID',
      message: `Invalid value: ${JSON.stringify(value)}: ${reason}`,
      hint,
    });
  }

  /** Whether the field is there, be it null. */
  isWritten(key: string): boolean {
    return this.#map().has(key);
  }

  /** Whether the field is there and not null. */
  has(key: string): boolean {
    return this.at(key).#value() !== null;
  }

  /** The place of a field, also where it is absent (errors then point at the object). */
  at(key: string): Cursor {
    const entry = this.#map().get(key);
    return this.#descend(entry?.value ?? null, this.#childField(key), entry?.key);
  }

  object(key: string): Cursor | undefined {
    const child = this.at(key);
    const value = child.#value();
    if (value === null) return undefined;
    if (isMap(child.#node)) return child;
    child.#wrongType('object');
    return undefined;
  }

  /** The elements; undefined when absent. An element that is null stays in the list (it counts as `{}` or ``). */
  list(key: string): readonly Cursor[] | undefined {
    const child = this.at(key);
    if (child.#value() === null) return undefined;
    if (!isSeq(child.#node)) {
      child.#wrongType('array');
      return undefined;
    }
    return child.elements;
  }

  /** The elements, if this is a list; else none. */
  get elements(): readonly Cursor[] {
    if (!isSeq(this.#node)) return [];
    return this.#node.items.map((item, index) =>
      this.#descend(item as Node | null, `${this.field}[${index}]`, undefined),
    );
  }

  /** Like `list`, where each element must be an object; others are reported and left out. */
  objects(key: string): readonly Cursor[] | undefined {
    return this.list(key)?.filter((item) => {
      const fits = item.#value() === null || isMap(item.#node);
      if (!fits) item.#wrongType('object');
      return fits;
    });
  }

  string(key: string): string | undefined {
    return this.at(key).#asString();
  }

  /** A list of strings with their places; a null element is the empty string, as in Go. */
  strings(key: string): readonly { readonly text: string; readonly at: Cursor }[] | undefined {
    return this.list(key)?.flatMap((at) => {
      const text = at.#value() === null ? '' : at.#asString();
      return text === undefined ? [] : [{ text, at }];
    });
  }

  boolean(key: string): boolean | undefined {
    const child = this.at(key);
    const value = child.#value();
    if (value === null) return undefined;
    if (typeof value === 'boolean') return value;
    child.#wrongType('bool');
    return undefined;
  }

  integer(key: string): number | undefined {
    const value = this.intOrString(key, 'int32');
    return typeof value === 'number' ? value : undefined;
  }

  intOrString(
    key: string,
    expected: 'int32' | 'int32 or string' = 'int32 or string',
  ): number | string | undefined {
    const child = this.at(key);
    const value = child.#value();
    if (value === null) return undefined;
    if (typeof value === 'string' && expected !== 'int32') return value;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < int32.min || value > int32.max) {
      child.#wrongType(expected);
      return undefined;
    }
    return value;
  }

  /** An object whose values are strings, with their places; a null value is the empty string, as in Go. */
  stringMap(key: string): ReadonlyMap<string, { readonly text: string; readonly at: Cursor }> {
    const result = new Map<string, { readonly text: string; readonly at: Cursor }>();
    const child = this.object(key);
    if (!child) return result;
    for (const name of child.#map().keys()) {
      const at = child.at(name);
      const text = at.#value() === null ? '' : at.#asString();
      if (text !== undefined) result.set(name, { text, at });
    }
    return result;
  }

  /** Reports every field of this object that is not in `known`. */
  allowOnly(known: readonly string[]): void {
    for (const [key, entry] of this.#map()) {
      if (known.includes(key)) continue;
      const at = this.#descend(entry.key, this.#childField(key), entry.key);
      const meant = closest(key, known);
      const problem = {
        code: 'POLICY_UNKNOWN_FIELD',
        message: `unknown field ${JSON.stringify(key)}`,
        hint: meant === undefined ? `Known fields here: ${known.join(', ')}.` : `Did you mean \`${meant}\`?`,
      };
      if (this.#context.unknownFields === 'warn') at.warn(problem);
      else at.error(problem);
    }
  }

  #where(): { position: Position; field?: string } {
    return this.field === '' ? { position: this.position } : { position: this.position, field: this.field };
  }

  #childField(key: string): string {
    if (!/^[A-Za-z][\w-]*$/.test(key)) return `${this.field}[${key}]`;
    return this.field === '' ? key : `${this.field}.${key}`;
  }

  #descend(node: Node | null, field: string, key: Node | null | undefined): Cursor {
    return new Cursor(this.#context, node, { field, offset: key?.range?.[0] ?? this.#offset });
  }

  /** Fields by name, merge keys (`<<`) included: what stands in the map itself goes before what is merged in. */
  #map(): ReadonlyMap<string, Entry> {
    this.#entries ??= isMap(this.#node)
      ? this.#collect(this.#node, new Map<string, Entry>())
      : new Map<string, Entry>();
    return this.#entries;
  }

  #collect(map: YAMLMap, into: Map<string, Entry>): Map<string, Entry> {
    const merged: Node[] = [];
    for (const pair of map.items) {
      const key = pair.key as Node | null;
      const value = pair.value as Node | null;
      const name = keyText(key);
      if (name === '<<' && isMergeKey(key)) merged.push(...this.#mergeSources(value));
      else if (!into.has(name)) into.set(name, { key, value });
    }
    for (const source of merged) if (isMap(source)) this.#collect(source, into);
    return into;
  }

  #mergeSources(value: Node | null): Node[] {
    const node = isAlias(value) ? this.#context.aliases.get(value) : value;
    if (isSeq(node)) return node.items.flatMap((item) => this.#mergeSources(item as Node | null));
    return node ? [node] : [];
  }

  /** The scalar; `undefined` for an object or array. */
  #value(): ScalarValue | undefined {
    if (this.#node === null) return null;
    return isScalar(this.#node) ? scalarValue(this.#node) : undefined;
  }

  #asString(): string | undefined {
    const value = this.#value();
    if (value === null) return undefined;
    if (typeof value === 'string') return value;
    this.#wrongType('string');
    return undefined;
  }

  #wrongType(expected: string): void {
    const message = `json: cannot unmarshal ${describe(this.#node)} into a field of type ${expected}`;
    this.error({ code: 'FIELD_TYPE', message, hint: typeHint(this.#node, expected) });
  }
}

/** The name of a field; unquoted numbers and booleans become the text that JSON would have. */
export function keyText(key: Node | null): string {
  return isScalar(key) ? String(scalarValue(key)) : '';
}

export function isMergeKey(key: Node | null): boolean {
  return isScalar(key) && key.value === '<<' && (key.type === undefined || key.type === 'PLAIN');
}

function isNothing(node: Node): boolean {
  return isScalar(node) && node.value === '' && (node.type === undefined || node.type === 'PLAIN');
}

function describe(node: Node | null): string {
  if (isMap(node)) return 'object';
  if (isSeq(node)) return 'array';
  const value = isScalar(node) ? scalarValue(node) : null;
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'number' ? `number ${value}` : 'string';
}

function typeHint(node: Node | null, expected: string): string {
  if (isMap(node) && isMap(node.items[0]?.key)) return 'This is a template: render it first.';
  if (expected === 'string' && isScalar(node)) {
    const text = String(node.value);
    return `YAML reads ${text} as a ${typeof scalarValue(node)}; write it in quotes: "${text}".`;
  }
  if (expected === 'array') return 'Begin each item of the list with a dash.';
  if (expected === 'object') return 'Write an object: its fields one per line, indented.';
  return `Write ${names[expected] ?? expected} here.`;
}

const names: Readonly<Record<string, string>> = {
  bool: 'true or false',
  string: 'text',
  int32: 'a whole number without quotes',
  'int32 or string': 'a whole number or a name',
};
