/** Other ways to write the same documents: nobody may judge a manifest by its style. */
import { isAlias, isMap, isScalar, isSeq, parseAllDocuments } from 'yaml';
import type { Document, Node } from 'yaml';
import { isMergeKey, keyText } from '../../../src/objects/cursor.ts';
import { scalarValue } from '../../../src/objects/scalar.ts';
import { printYaml } from './print-yaml.ts';

export interface Spelling {
  readonly name: string;
  readonly text: string;
}

/** Scalars as they stand, with the style that decides what they mean. Undefined: it is no YAML. */
export function composeDocuments(text: string): Document.Parsed[] | undefined {
  try {
    const options = { schema: 'failsafe', uniqueKeys: false, logLevel: 'silent' } as const;
    const documents = parseAllDocuments(text, options);
    return Array.isArray(documents) && documents.every(({ errors }) => errors.length === 0)
      ? documents
      : undefined;
  } catch {
    return undefined;
  }
}

export function spellings(documents: readonly Document.Parsed[]): Spelling[] {
  const anew = documents.map((one) => one.toString({ lineWidth: 0 })).join('---\n');
  const values = documents.filter(({ contents }) => contents !== null).map(plainValue);
  const commented = values.map((one) => `# one\n${printYaml(one, quoted)}# two\n`);
  const backwards = values.map((one) => JSON.stringify(reversed(one), null, 2));
  return [
    { name: 'printed anew', text: anew },
    ...(values.every(isSayable)
      ? [
          { name: 'as JSON, backwards', text: backwards.join('\n---\n') },
          { name: 'in double quotes, between comments', text: commented.join('---\n') },
        ]
      : []),
  ];
}

const quoted = { defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'QUOTE_DOUBLE' } as const;

/** JSON has no word for what is too large for a number, and the library never quotes a key that merges. */
function isSayable(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return typeof value !== 'number' || Number.isFinite(value);
  return !Object.hasOwn(value, '<<') && Object.values(value).every(isSayable);
}

/** What the API server would be sent: aliases and merges written out. */
function plainValue(document: Document.Parsed): unknown {
  const resolve = (node: Node | null): unknown => {
    if (isAlias(node)) return resolve(node.resolve(document) ?? null);
    if (isScalar(node)) return scalarValue(node);
    if (isSeq(node)) return node.items.map((item) => resolve(item as Node | null));
    if (!isMap(node)) return null;
    const fields = new Map<string, unknown>();
    const merged: unknown[] = [];
    for (const pair of node.items) {
      const [key, value] = [pair.key as Node | null, resolve(pair.value as Node | null)];
      if (isMergeKey(key)) merged.push(...(Array.isArray(value) ? value.flat(Infinity) : [value]));
      else fields.set(keyText(key), value);
    }
    for (const source of merged) {
      for (const [name, value] of entriesOf(source)) if (!fields.has(name)) fields.set(name, value);
    }
    return Object.fromEntries(fields);
  };
  return resolve(document.contents);
}

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
}

/** Fields from the last to the first; what is listed stays in order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).map(([key, one]) => [key, reversed(one)] as const);
  return Object.fromEntries(fields.toReversed());
}
