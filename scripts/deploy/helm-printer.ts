/**
 * Prints an object as a Helm template. Values go in as JSON, which is YAML: no indentation can break, and no string
 * that a user gives is anything but that string.
 */
import { isList, Only, Place, Text } from './template.ts';
import type { Node, Template } from './template.ts';

export function printHelmTemplate({ node, condition }: Template): string {
  const lines = linesOf(node);
  const guarded =
    condition === undefined ? lines : [`{{- if ${condition.expression} }}`, ...lines, '{{- end }}'];
  return `${guarded.join('\n')}\n`;
}

function linesOf(node: Node): string[] {
  if (isScalar(node)) return [scalarOf(node)];
  if (isList(node)) return node.flatMap((one) => around(one, (inner) => itemLines(inner)));
  return Object.entries(node).flatMap(([key, one]) => around(one, (inner) => entryLines(key, inner)));
}

function around(node: Node, print: (inner: Exclude<Node, Only>) => string[]): string[] {
  if (!(node instanceof Only)) return print(node);
  if (node.node instanceof Only) throw new Error('a condition within a condition');
  return [`{{- if ${node.condition.expression} }}`, ...print(node.node), '{{- end }}'];
}

function entryLines(key: string, node: Exclude<Node, Only>): string[] {
  const name = scalarOf(key);
  if (isScalar(node)) return [`${name}: ${scalarOf(node)}`];
  if (Object.keys(node).length === 0) return [`${name}: ${isList(node) ? '[]' : '{}'}`];
  return [`${name}:`, ...linesOf(node).map(indented)];
}

function itemLines(node: Exclude<Node, Only>): string[] {
  const [first = '', ...rest] = linesOf(node);
  if (first.startsWith('{{-')) throw new Error('an item must not begin with a condition');
  return [`- ${first}`, ...rest.map(indented)];
}

/** Lines of control stay where they are: they print nothing. */
function indented(line: string): string {
  return line.startsWith('{{-') ? line : `  ${line}`;
}

type Scalar = string | number | boolean | null | Place | Text;

function isScalar(node: Node): node is Scalar {
  return typeof node !== 'object' || node === null || node instanceof Place || node instanceof Text;
}

function scalarOf(node: Scalar): string {
  if (node instanceof Place) return `{{ ${node.expression} | toJson }}`;
  if (node instanceof Text) {
    const format = node.parts
      .map((part) => (part instanceof Place ? '%v' : part.replaceAll('%', '%%')))
      .join('');
    const places = node.parts.flatMap((part) => (part instanceof Place ? [`(${part.expression})`] : []));
    return `{{ printf ${JSON.stringify(format)} ${places.join(' ')} | toJson }}`;
  }
  if (typeof node !== 'string') return String(node);
  if (node.includes('{{')) return `{{ ${JSON.stringify(node)} | toJson }}`;
  return needsNoQuotes(node) ? node : JSON.stringify(node);
}

/** Names, paths and words that YAML reads as themselves. */
function needsNoQuotes(value: string): boolean {
  return /^[A-Za-z/.][\w./-]*$/.test(value) && !/^(true|false|null|yes|no|on|off|y|n|\.\w+)$/i.test(value);
}
