/** One walk over a document before anything is decoded: binds aliases, and refuses what parsers disagree on or die of. */
import { isAlias, isMap, isScalar, isSeq } from 'yaml';
import type { Alias, Node, YAMLMap } from 'yaml';
import { failure, type Diagnostic, type Position } from '../errors.ts';
import { isMergeKey, keyText } from '../objects/cursor.ts';
import { scalarValue } from '../objects/scalar.ts';

/** Aliases may make a document this many times its size, or up to `freeNodes`; beyond that it is an attack. */
const maxExpansion = 10;
const freeNodes = 100_000;
const maxDepth = 200;

/** Tags whose meaning no parser doubts, and what they fit. Others make text of bytes, or mean something to one program only. */
const plainTags: ReadonlyMap<string, (node: Node) => boolean> = new Map([
  tagFor('map', isMap),
  tagFor('seq', isSeq),
  tagFor('str', isScalar),
  tagFor('null', (node) => isScalar(node) && scalarValue(node) === null),
  tagFor('bool', (node) => isScalar(node) && typeof scalarValue(node) === 'boolean'),
  tagFor('int', (node) => isScalar(node) && Number.isInteger(scalarValue(node))),
  tagFor('float', (node) => isScalar(node) && typeof scalarValue(node) === 'number'),
]);

function tagFor(name: string, fits: (node: Node) => boolean): [string, (node: Node) => boolean] {
  return [`tag:yaml.org,2002:${name}`, fits];
}

export interface Survey {
  /** What each alias stands for: the nearest anchor of its name before it. Acyclic. */
  readonly aliases: ReadonlyMap<Alias, Node>;
  readonly problems: readonly Diagnostic[];
}

/**
 * Problems: duplicate keys, merges of what is no object or over what stands before them, tags, aliases without anchor or within it, aliases that
 * explode, endless nesting.
 */
export function surveyDocument(root: Node, positionAt: (offset: number) => Position): Survey {
  const walk = new Walk(positionAt);
  const expanded = walk.node(root, 0);
  if (expanded > freeNodes && expanded > maxExpansion * walk.written) {
    const hint = 'Write the repeated parts out.';
    walk.report(root, failure('YAML_ALIAS_BOMB', 'document contains excessive aliasing', { hint }));
  }
  return { aliases: walk.aliases, problems: walk.problems };
}

class Walk {
  readonly aliases = new Map<Alias, Node>();
  readonly problems: Diagnostic[] = [];
  /** Nodes seen so far, aliases not expanded. */
  written = 0;
  readonly #anchors = new Map<string, Node>();
  /** Nodes at and below each anchor, aliases expanded; absent while the anchor's node is still being walked. */
  readonly #sizes = new Map<Node, number>();
  /** The keys of each object that has been merged somewhere, with those that are merged into it. */
  readonly #keys = new Map<YAMLMap, ReadonlySet<string>>();
  readonly #positionAt: (offset: number) => Position;

  constructor(positionAt: (offset: number) => Position) {
    this.#positionAt = positionAt;
  }

  report(node: Node | null, diagnostic: Diagnostic): void {
    this.problems.push({ ...diagnostic, position: this.#positionAt(node?.range?.[0] ?? 0) });
  }

  /** The number of nodes at and below this one, aliases expanded. */
  node(node: Node | null, depth: number): number {
    if (node === null) return 0;
    this.written += 1;
    if (isAlias(node)) return this.#alias(node);
    if (depth > maxDepth) {
      const hint = 'Kubernetes objects are a dozen levels deep; look for a generator that runs away.';
      this.report(node, failure('YAML_TOO_DEEP', `more than ${maxDepth} levels of nesting`, { hint }));
      return 1;
    }
    const anchor = isScalar(node) || isMap(node) || isSeq(node) ? node.anchor : undefined;
    if (anchor !== undefined) this.#anchors.set(anchor, node);
    if (node.tag !== undefined && !plainTags.get(node.tag)?.(node)) {
      const hint = 'Write the value without a tag.';
      this.report(node, failure('YAML_TAG', `the tag ${node.tag} has no meaning here`, { hint }));
    }
    let size = 1;
    if (isMap(node)) size += this.#map(node, depth + 1);
    else if (isSeq(node)) for (const item of node.items) size += this.node(item as Node | null, depth + 1);
    if (anchor !== undefined) this.#sizes.set(node, size);
    return size;
  }

  #alias(alias: Alias): number {
    const target = this.#anchors.get(alias.source);
    const size = target && this.#sizes.get(target);
    if (target && size !== undefined) {
      this.aliases.set(alias, target);
      return size;
    }
    const name = `'${alias.source}'`;
    const message = target ? `anchor ${name} value contains itself` : `unknown anchor ${name} referenced`;
    this.report(alias, failure('YAML_ALIAS', message, { hint: 'Write the value out here.' }));
    return 0;
  }

  #map(map: YAMLMap, depth: number): number {
    const seen = new Set<string>();
    const merged = new Set<string>();
    let size = 0;
    for (const pair of map.items) {
      const key = pair.key as Node | null;
      if (isScalar(key) && !isMergeKey(key)) {
        const name = keyText(key);
        if (seen.has(name)) {
          const message = `key ${JSON.stringify(name)} is already set in this object`;
          const hint = 'Remove one of the two: parsers disagree on which one counts.';
          this.report(key, failure('YAML_DUPLICATE_KEY', message, { hint }));
        }
        seen.add(name);
      }
      const value = pair.value as Node | null;
      size += this.node(key, depth) + this.node(value, depth);
      if (isMergeKey(key)) {
        if (!this.#isMergeable(value)) {
          const hint = 'Write the name of an anchored object behind `<<:`, or a list of such names.';
          this.report(key, failure('YAML_MERGE', 'what is merged here is no object', { hint }));
        }
        const keys = this.#mergedKeys(value);
        const overlap = keys.find((name) => seen.has(name) || merged.has(name));
        if (overlap !== undefined) {
          const message = `what is merged here has the key ${JSON.stringify(overlap)}, which is already set in this object`;
          const hint = 'Merge first: parsers disagree on which one counts.';
          this.report(key, failure('YAML_DUPLICATE_KEY', message, { hint }));
        }
        for (const name of keys) merged.add(name);
      }
    }
    return size;
  }

  /** An object or a list of them, be it by an alias; one that stands for nothing has been reported. */
  #isMergeable(value: Node | null): boolean {
    const isObject = (node: Node | null): boolean => {
      const target = isAlias(node) ? this.aliases.get(node) : node;
      return isMap(target) || (isAlias(node) && target === undefined);
    };
    const node = isAlias(value) ? (this.aliases.get(value) ?? null) : value;
    return isSeq(node) ? node.items.every((item) => isObject(item as Node | null)) : isObject(value);
  }

  #mergedKeys(value: Node | null): readonly string[] {
    const node = isAlias(value) ? this.aliases.get(value) : value;
    if (isSeq(node)) return [...new Set(node.items.flatMap((item) => this.#mergedKeys(item as Node | null)))];
    return isMap(node) ? [...this.#keysOf(node)] : [];
  }

  #keysOf(map: YAMLMap): ReadonlySet<string> {
    let keys = this.#keys.get(map);
    if (!keys) {
      const names = map.items.flatMap(({ key, value }) =>
        isMergeKey(key as Node | null)
          ? this.#mergedKeys(value as Node | null)
          : [keyText(key as Node | null)],
      );
      this.#keys.set(map, (keys = new Set(names)));
    }
    return keys;
  }
}
