/** What YAML can say and people seldom write: anchors and aliases, merge keys, tags, the same key twice. */
import { isCollection, isMap, isNode, isScalar, parseAllDocuments, visit } from 'yaml';
import type { Document, Node, YAMLMap, YAMLSeq } from 'yaml';
import { choose } from './choice.ts';
import type { Choices } from './choice.ts';
import { hostileKeys, hostileValues } from './hostile.ts';

type Collection = YAMLMap | YAMLSeq;

const tags = ['!!str', '!!int', '!!binary', '!!set', '!x', '!!null', '!!float', '!!map', '!!seq'];

/** The text as it is where it is no YAML. */
export function mutateNodes(text: string, choices: Choices): string {
  const documents = parseDocuments(text);
  const document = choose(documents, choices.at);
  if (!document?.contents) return text;
  if (choices.what % 8 === 7) {
    return `${expandingAliases(1 + (choices.value % 12), 1 + (choices.other % 12))}---\n${text}`;
  }
  mutateDocument(document, choices);
  return print(documents) ?? text;
}

/** None where the text is no YAML. */
export function parseDocuments(text: string): Document.Parsed[] {
  try {
    const documents = parseAllDocuments(text, { uniqueKeys: false, logLevel: 'silent' });
    return Array.isArray(documents) && documents.every(({ errors }) => errors.length === 0) ? documents : [];
  } catch {
    // Too deep for the library.
    return [];
  }
}

function mutateDocument(document: Document.Parsed, { what, other, value }: Choices): void {
  const nodes: Node[] = [];
  visit(document, { Node: (_, node) => void (isNode(node) && nodes.push(node)) });
  const filled = nodes.filter((node): node is Collection => isCollection(node) && node.items.length > 0);
  const [holder, target] = [choose(filled, other), choose(nodes, value)];
  if (!holder || !target) return;
  const index = value % holder.items.length;
  switch (what % 8) {
    case 0:
      (holder.items as unknown[]).push(holder.items[index]);
      break;
    case 1:
      // An alias that comes before its anchor, within it, or after it.
      if (target !== document.contents && (isCollection(target) || isScalar(target)))
        setItem(holder, index, document.createAlias(target));
      break;
    case 2:
      setItem(holder, index, document.createAlias(holder));
      break;
    case 3:
      if (isMap(holder))
        (holder.items as unknown[]).unshift(document.createPair('<<', choose(hostileValues, value)));
      break;
    case 4:
      if (isCollection(target) || isScalar(target)) target.tag = choose(tags, other) ?? '!x';
      break;
    case 5:
      setItem(holder, index, document.createNode(choose(hostileValues, value)));
      break;
    default: {
      // A merge of something that is there.
      const source = choose(filled, value);
      if (!isMap(holder) || !source || source === document.contents) break;
      const key = what % 16 < 8 ? '<<' : choose(hostileKeys, other);
      (holder.items as unknown[]).unshift(document.createPair(key, document.createAlias(source)));
    }
  }
}

function setItem(holder: Collection, index: number, value: Node): void {
  if (!isMap(holder)) {
    holder.items[index] = value;
    return;
  }
  const pair = holder.items[index];
  if (pair) pair.value = value;
}

/** Aliases of aliases. */
function expandingAliases(levels: number, width: number): string {
  const row = (level: number): string => {
    const items = level === 0 ? ['x'] : Array<string>(width).fill(`*l${level - 1}`);
    return `  l${level}: &l${level} [${items.join(', ')}]\n`;
  };
  const rows = Array.from({ length: levels }, (_, level) => row(level));
  return `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: many }\ndata:\n${rows.join('')}`;
}

/** Undefined: the library can't write it. */
function print(documents: readonly Document.Parsed[]): string | undefined {
  try {
    return documents.map((document) => document.toString({ lineWidth: 0 })).join('---\n');
  } catch {
    return undefined;
  }
}
