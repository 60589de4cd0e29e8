/**
 * Kubernetes objects with places that a user fills in. One tree of them becomes everything that is in deploy/: with
 * the defaults filled in it is a plain object; printed as a Helm template each place is an expression.
 */

/** A place: what Helm calls it, and what stands there without Helm. */
export class Place {
  readonly expression: string;
  readonly fallback: Plain;

  constructor(expression: string, fallback: Plain) {
    this.expression = expression;
    this.fallback = fallback;
  }
}

/** A string with places in it. */
export class Text {
  readonly parts: readonly (string | Place)[];

  constructor(parts: readonly (string | Place)[]) {
    this.parts = parts;
  }
}

/** What is there only if the place holds something that is not empty. */
export class Only {
  readonly condition: Place;
  readonly node: Node;

  constructor(condition: Place, node: Node) {
    this.condition = condition;
    this.node = node;
  }
}

export type Plain = string | number | boolean | null | readonly Plain[] | { readonly [key: string]: Plain };

export type Node =
  string | number | boolean | null | Place | Text | Only | readonly Node[] | { readonly [key: string]: Node };

/** A Kubernetes object, whole or not at all. */
export interface Template {
  /** Of its file. */
  readonly name: string;
  readonly node: Node;
  readonly condition?: Place;
}

export function text(literals: TemplateStringsArray, ...places: readonly Place[]): Text {
  return new Text(literals.flatMap((literal, index) => [literal, ...places.slice(index, index + 1)]));
}

/** As Go templates see it. */
export function isEmpty(value: Plain): boolean {
  if (value === null || value === '' || value === 0 || value === false) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

/** With every place filled in; undefined: not there. */
export function plainOf(node: Node): Plain | undefined {
  if (node instanceof Place) return node.fallback;
  if (node instanceof Text) {
    return node.parts.map((part) => (part instanceof Place ? scalarText(part.fallback) : part)).join('');
  }
  if (node instanceof Only) return isEmpty(node.condition.fallback) ? undefined : plainOf(node.node);
  if (typeof node !== 'object' || node === null) return node;
  if (isList(node)) return node.map(plainOf).filter((one) => one !== undefined);
  return Object.fromEntries(
    Object.entries(node).flatMap(([key, one]) => {
      const value = plainOf(one);
      return value === undefined ? [] : [[key, value]];
    }),
  );
}

export function isList(node: Node): node is readonly Node[] {
  return Array.isArray(node);
}

function scalarText(value: Plain): string {
  if (typeof value === 'object') throw new Error('only scalars go into a text');
  return String(value);
}
