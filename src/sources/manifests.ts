/** Manifest text → decoded, validated objects, each once. */
import { BulkheadError, failure, formatDiagnostic, formatPosition, type Diagnostic } from '../errors.ts';
import type { Cursor } from '../objects/cursor.ts';
import { decodeObject, objectKey, type ManifestObject } from '../objects/manifest.ts';
import { parseDocuments, type TextFile } from './documents.ts';
import { readFiles } from './files.ts';

export interface Manifests {
  /** By `Kind/namespace/name` (see `objectKey`), sorted by file and position as read. */
  readonly objects: ReadonlyMap<string, ManifestObject>;
  /** Warnings only. */
  readonly diagnostics: readonly Diagnostic[];
  /** How many objects of each `apiVersion/Kind` have no part in what is computed here. */
  readonly skipped: ReadonlyMap<string, number>;
}

export interface ManifestOptions {
  /** What to make of unknown fields in policies; `error` unless told otherwise. */
  readonly unknownFields?: 'error' | 'warn';
  /** What `-` stands for. */
  readonly stdin?: string;
}

/**
 * Reads files, folders, globs and `-`.
 * @throws BulkheadError holding every error of every file.
 */
export function readManifests(paths: readonly string[], options: ManifestOptions = {}): Manifests {
  const diagnostics: Diagnostic[] = [];
  const files = readFiles(paths, { ...options, diagnostics });
  return decodeFiles(files, options, diagnostics);
}

/**
 * Reads the manifests in `text`, which diagnostics will call `file`.
 * @throws BulkheadError holding every error.
 */
export function parseManifests(text: string, file: string, options: ManifestOptions = {}): Manifests {
  return decodeFiles([{ name: file, text }], options, []);
}

function decodeFiles(
  files: readonly TextFile[],
  options: ManifestOptions,
  diagnostics: Diagnostic[],
): Manifests {
  const objects = new Map<string, ManifestObject>();
  const skipped = new Map<string, number>();
  const unknownFields = options.unknownFields ?? 'error';
  for (const file of files) {
    for (const document of parseDocuments(file, { unknownFields, diagnostics })) {
      for (const { object, apiVersion, kind } of identify(document)) {
        const decoded = decodeObject(object, apiVersion, kind);
        if (decoded) {
          addObject(objects, decoded, diagnostics);
          continue;
        }
        const count = skipped.get(`${apiVersion}/${kind}`) ?? 0;
        skipped.set(`${apiVersion}/${kind}`, count + 1);
        if (count === 0 && kind.endsWith('NetworkPolicy')) reportForeignPolicy(object, apiVersion, kind);
      }
    }
  }
  if (files.length > 0 && objects.size === 0 && skipped.size === 0 && !hasErrors(diagnostics)) {
    const where = files.map(({ name }) => (name === '-' ? 'standard input' : name)).join(', ');
    const hint = 'Name files that hold manifests, or pipe in what kubectl, helm or kustomize print.';
    diagnostics.push(failure('NOTHING_FOUND', `no Kubernetes object in ${where}`, { hint }));
  }
  const sorted = withoutRepeats(diagnostics).toSorted(byPosition);
  if (hasErrors(sorted)) throw new BulkheadError(sorted.filter(({ severity }) => severity === 'error'));
  return { objects, diagnostics: sorted, skipped };
}

interface Identified {
  readonly object: Cursor;
  readonly apiVersion: string;
  readonly kind: string;
}

/** The objects of a document: itself, or the items of a List. `inherited` is what a typed list says of its items. */
function identify(document: Cursor, inherited?: { apiVersion: string; kind: string }): Identified[] {
  const apiVersion = document.string('apiVersion') ?? inherited?.apiVersion;
  const kind = document.string('kind') ?? inherited?.kind;
  if (!apiVersion || !kind) {
    reportUnidentified(document, kind);
    return [];
  }
  if (!kind.endsWith('List') || !document.has('items')) return [{ object: document, apiVersion, kind }];
  const itemKind = kind.slice(0, -'List'.length);
  const ofItems = itemKind === '' ? undefined : { apiVersion, kind: itemKind };
  return (document.objects('items') ?? []).flatMap((item) => identify(item.root, ofItems));
}

function reportUnidentified(document: Cursor, kind: string | undefined): void {
  const looksLikeObject = kind !== undefined || document.has('metadata') || document.has('spec');
  if (document.elements.some((element) => element.has('kind'))) {
    document.error({
      code: 'OBJECT_UNIDENTIFIED',
      message: 'a bare list of objects is no Kubernetes object',
      hint: 'Put `---` between the objects, or make them the items of a `kind: List`.',
    });
  } else if (looksLikeObject) {
    const missing = kind ? 'apiVersion' : 'kind';
    document.error({
      code: 'OBJECT_UNIDENTIFIED',
      message: `Object '${missing}' is missing`,
      hint: 'Every Kubernetes object has an apiVersion and a kind.',
    });
  } else {
    document.warn({
      code: 'NOT_A_MANIFEST',
      message: 'this document is no Kubernetes object and was skipped',
      hint: 'Name the files or folders that hold manifests.',
    });
  }
}

/** Not an error, since a cluster may use several languages; but a verdict that leaves policies out must say so. */
function reportForeignPolicy(object: Cursor, apiVersion: string, kind: string): void {
  object.warn({
    code: 'POLICY_LANGUAGE_SKIPPED',
    message: `${kind} of ${apiVersion} is a policy that is not judged here: what is said below leaves it out`,
    hint: 'Only NetworkPolicy of networking.k8s.io/v1 and extensions/v1beta1 is judged.',
  });
}

function addObject(
  objects: Map<string, ManifestObject>,
  object: ManifestObject,
  diagnostics: Diagnostic[],
): void {
  const key = objectKey(object);
  const first = objects.get(key);
  if (!first) {
    objects.set(key, object);
    return;
  }
  const name = object.namespace === '' ? object.name : `${object.namespace}/${object.name}`;
  diagnostics.push(
    failure(
      'OBJECT_DUPLICATE',
      `${object.kind} ${name} is already defined at ${formatPosition(first.position)}`,
      {
        hint: 'Remove or rename one of the two.',
        position: object.position,
      },
    ),
  );
}

/** A field that is read twice is reported twice. */
function withoutRepeats(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return [...new Map(diagnostics.map((diagnostic) => [formatDiagnostic(diagnostic), diagnostic])).values()];
}

function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some(({ severity }) => severity === 'error');
}

function byPosition(a: Diagnostic, b: Diagnostic): number {
  const [p, q] = [a.position, b.position];
  if (!p || !q) return Number(Boolean(p)) - Number(Boolean(q));
  return p.file === q.file ? p.line - q.line || p.column - q.column : p.file < q.file ? -1 : 1;
}
