/**
 * Text → positioned documents: YAML and JSON through one parser, one document at a time, so that a long stream
 * (`helm template`, `kustomize build`) never has to be in memory as a whole tree.
 */
import { Composer, isScalar, LineCounter, Parser } from 'yaml';
import type { Document, Node, YAMLError } from 'yaml';
import { failure, type Diagnostic, type Position } from '../errors.ts';
import { Cursor } from '../objects/cursor.ts';
import { surveyDocument } from './survey.ts';

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

/** The documents that hold anything, in order. Broken ones are reported and left out. */
export function* parseDocuments(file: TextFile, options: ParseOptions): Generator<Cursor> {
  const { unknownFields, diagnostics } = options;
  const lines = new LineCounter();
  const positionAt = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { file: file.name, line, column: col };
  };
  for (const document of composeDocuments(file, lines, diagnostics)) {
    const [broken] = document.errors;
    if (broken) {
      diagnostics.push(syntaxError(broken, file.text, positionAt(broken.pos[0])));
      continue;
    }
    const root = document.contents;
    if (root === null || isEmpty(root)) continue;
    const { aliases, problems } = surveyDocument(root, positionAt);
    diagnostics.push(...problems);
    if (problems.length > 0) continue;
    const context = { file: file.name, lines, aliases, diagnostics, unknownFields };
    yield new Cursor(context, root, { field: '', offset: 0 });
  }
}

function* composeDocuments(
  file: TextFile,
  lines: LineCounter,
  diagnostics: Diagnostic[],
): Generator<Document.Parsed> {
  const parser = new Parser(lines.addNewLine);
  // With the failsafe schema scalars stay text; what they mean is decided in objects/scalar.ts.
  const composer = new Composer({ schema: 'failsafe', uniqueKeys: false });
  try {
    yield* composer.compose(parser.parse(asYaml(file.text)));
  } catch (error) {
    // The parser is recursive; what is too deep for it is too deep for anyone.
    if (!(error instanceof RangeError)) throw error;
    diagnostics.push(tooDeep({ file: file.name, line: 1, column: 1 }));
  }
}

function tooDeep(position: Position): Diagnostic {
  const hint = 'Kubernetes objects are a dozen levels deep; look for a generator that runs away.';
  return failure('YAML_TOO_DEEP', 'the document is nested too deeply to be read', { hint, position });
}

/** JSON may be indented with tabs, which YAML forbids; blanks in their place mean the same and keep the columns. */
function asYaml(text: string): string {
  return /^\s*[{[]/.test(text) ? text.replaceAll('\t', ' ') : text;
}

function isEmpty(node: Node): boolean {
  return isScalar(node) && (node.value === '' || node.value === null);
}

function syntaxError(error: YAMLError, text: string, position: Position): Diagnostic {
  const start = text.lastIndexOf('\n', error.pos[0] - 1) + 1;
  const end = text.indexOf('\n', start);
  const source = text.slice(start, end < 0 ? undefined : end);
  if (error.message.startsWith('Maximum call stack')) return tooDeep(position);
  const isAtEnd = end < 0 || error.pos[0] >= text.trimEnd().length;
  return failure('YAML_SYNTAX', error.message, { hint: syntaxHint(error, source, isAtEnd), position });
}

function syntaxHint(error: YAMLError, source: string, isAtEnd: boolean): string {
  if (source.includes('{{')) return 'This is a template: render it first, and pipe the result in with `-`.';
  if (error.code === 'TAB_AS_INDENT' || /^\s*\t/.test(source))
    return 'Indent with spaces: YAML forbids tabs.';
  if (/^(<{7}|={7}|>{7})/.test(source)) return 'Resolve the merge conflict.';
  if (source.startsWith('{')) return 'Make several JSON objects the items of one `kind: List`.';
  if (isAtEnd) return 'The text ends too early: a quote or bracket is not closed, or the file is truncated.';
  return 'Mend the text here; the rest of the document was not read.';
}
