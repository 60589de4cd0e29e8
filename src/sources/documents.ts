/** Text → positioned documents: YAML and JSON through one parser, with everything that makes a file unusable refused. */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseAllDocuments } from 'yaml';
import type { Alias, Document, Node, YAMLError, YAMLMap } from 'yaml';
import { failure, type Diagnostic } from '../errors.ts';
import { Cursor, isMergeKey, keyText } from '../objects/cursor.ts';

export interface TextFile {
  /** As the user named it; `-` for stdin. */
  readonly name: string;
  readonly text: string;
}

export interface ParseOptions {
  readonly unknownFields: 'error' | 'warn';
  /** Collects what is wrong. */
  readonly diagnostics: Diagnostic[];
}

/** Aliases may make a document this many times its size (or up to `freeNodes`); beyond that it is an attack. */
const maxExpansion = 10;
const freeNodes = 100_000;
const maxDepth = 200;

/** The documents that hold anything, in order. Broken ones are reported and left out. */
export function parseDocuments(file: TextFile, options: ParseOptions): Cursor[] {
  const lines = new LineCounter();
  const parsed = parseText(file, lines);
  if ('code' in parsed) {
    options.diagnostics.push(parsed);
    return [];
  }
  return parsed.documents.flatMap((document) => {
    const root = document.contents;
    const problems = document.errors.slice(0, 1).map((error) => syntaxError(file, lines, error));
    const surveyed =
      problems.length > 0 ? undefined : survey(root, (offset) => positionOf(file, lines, offset));
    options.diagnostics.push(...problems, ...(surveyed?.problems ?? []));
    if (!surveyed || surveyed.problems.length > 0 || root === null || isEmptyScalar(root)) return [];
    const { unknownFields, diagnostics } = options;
    const context = { file: file.name, lines, aliases: surveyed.aliases, diagnostics, unknownFields };
    return [new Cursor(context, root, { field: '', offset: 0 })];
  });
}

function parseText(file: TextFile, lineCounter: LineCounter): { documents: Document.Parsed[] } | Diagnostic {
  try {
    // With the failsafe schema scalars stay text; what they mean is decided in objects/scalar.ts.
    const options = { schema: 'failsafe', uniqueKeys: false, prettyErrors: false, lineCounter } as const;
    const documents = parseAllDocuments(asYaml(file.text), options);
    return { documents: Array.isArray(documents) ? documents : [] };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return failure('YAML_TOO_DEEP', 'the document is nested too deeply to be read', {
      hint: 'Kubernetes objects are a dozen levels deep; look for a generator that runs away.',
      position: { file: file.name, line: 1, column: 1 },
    });
  }
}

/** JSON may be indented with tabs, which YAML forbids; blanks of the same width mean the same and keep the columns. */
function asYaml(text: string): string {
  return /^\s*[{[]/.test(text) ? text.replaceAll('\t', ' ') : text;
}

function positionOf(
  file: TextFile,
  lines: LineCounter,
  offset: number,
): { file: string; line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return { file: file.name, line, column: col };
}

function syntaxError(file: TextFile, lines: LineCounter, error: YAMLError): Diagnostic {
  const line = file.text.slice(0, error.pos[0]).split('\n').length - 1;
  const source = file.text.split('\n')[line] ?? '';
  return failure('YAML_SYNTAX', error.message.replace(/\s+at line \d+.*$/s, ''), {
    hint: syntaxHint(error, source),
    position: positionOf(file, lines, error.pos[0]),
  });
}

function syntaxHint(error: YAMLError, source: string): string {
  if (source.includes('{{')) return 'This is a template: render it first (`helm template … | bulkhead … -`).';
  if (error.code === 'TAB_AS_INDENT' || /^\s*\t/.test(source))
    return 'Indent with spaces: YAML forbids tabs.';
  if (/^(<{7}|={7}|>{7})/.test(source)) return 'Resolve the merge conflict.';
  return 'Mend the YAML here; what follows was not read.';
}

function isEmptyScalar(node: Node): boolean {
  return isScalar(node) && (node.value === '' || node.value === null);
}

interface Survey {
  readonly aliases: ReadonlyMap<Alias, Node>;
  readonly problems: readonly Diagnostic[];
}

/**
 * One walk over a document: finds duplicate keys, binds each alias to its anchor (the nearest one before it), and
 * refuses aliases that contain themselves or that expand to far more than was written.
 */
function survey(root: Node | null, positionAt: (offset: number) => Diagnostic['position'] & object): Survey {
  const aliases = new Map<Alias, Node>();
  const anchors = new Map<string, Node>();
  /** Nodes below each anchored node, aliases expanded; absent while the node is still being walked. */
  const sizes = new Map<Node, number>();
  const problems: Diagnostic[] = [];
  let written = 0;

  const report = (node: Node | null, diagnostic: Diagnostic): void => {
    problems.push({ ...diagnostic, position: positionAt(node?.range?.[0] ?? 0) });
  };
  const walkAlias = (node: Alias): number => {
    const target = anchors.get(node.source);
    const size = target && sizes.get(target);
    if (target && size !== undefined) {
      aliases.set(node, target);
      return size;
    }
    const message = target
      ? `anchor '${node.source}' value contains itself`
      : `unknown anchor '${node.source}'`;
    report(node, failure('YAML_ALIAS', message, { hint: 'Write the value out here.' }));
    return 0;
  };
  const walkMap = (map: YAMLMap, depth: number): number => {
    const seen = new Set<string>();
    let size = 0;
    for (const pair of map.items) {
      const key = pair.key as Node | null;
      const name = keyText(key);
      if (seen.has(name) && !isMergeKey(key)) {
        const message = `key ${JSON.stringify(name)} is already set in this object`;
        report(
          key,
          failure('YAML_DUPLICATE_KEY', message, {
            hint: 'Keep one of the two; parsers disagree on which counts.',
          }),
        );
      }
      seen.add(name);
      size += walk(key, depth) + walk(pair.value as Node | null, depth);
    }
    return size;
  };
  const walk = (node: Node | null, depth: number): number => {
    if (node === null) return 0;
    written += 1;
    if (isAlias(node)) return walkAlias(node);
    if (depth > maxDepth) {
      report(
        node,
        failure('YAML_TOO_DEEP', `more than ${maxDepth} levels of nesting`, {
          hint: 'Kubernetes objects are a dozen levels deep; look for a generator that runs away.',
        }),
      );
      return 1;
    }
    const anchor = isScalar(node) || isMap(node) || isSeq(node) ? node.anchor : undefined;
    if (anchor !== undefined) anchors.set(anchor, node);
    let size = 1;
    if (isMap(node)) size += walkMap(node, depth + 1);
    else if (isSeq(node)) for (const item of node.items) size += walk(item as Node | null, depth + 1);
    if (anchor !== undefined) sizes.set(node, size);
    return size;
  };

  const expanded = walk(root, 0);
  if (expanded > freeNodes && expanded > maxExpansion * written) {
    report(
      root,
      failure('YAML_ALIAS_BOMB', 'document contains excessive aliasing', {
        hint: 'Write the repeated parts out.',
      }),
    );
  }
  return { aliases, problems };
}
