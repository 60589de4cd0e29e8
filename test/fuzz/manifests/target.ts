/** Manifests that were once right, as bytes: read, assembled, compiled, made into tables and judged, or refused with good reasons. */
import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import * as fc from 'fast-check';
import type { Document } from 'yaml';
import { check } from '../../../src/analyze/check.ts';
import { translatePolicies } from '../../../src/dialects/translate.ts';
import { BulkheadError } from '../../../src/errors.ts';
import type { Diagnostic } from '../../../src/errors.ts';
import { decodeText } from '../../../src/sources/text.ts';
import { assembleCluster } from '../../../src/sources/assemble.ts';
import { parseManifests } from '../../../src/sources/manifests.ts';
import type { Manifests } from '../../../src/sources/manifests.ts';
import type { Cluster } from '../../../src/objects/model.ts';
import { Tally } from '../target.ts';
import type { Session, Target } from '../target.ts';
import { checkDiagnostics } from './diagnostics.ts';
import { withinPatience } from './hang.ts';
import { judgeEverywhere } from './judged.ts';
import { arbitraryMutation, mutated } from './mutation.ts';
import { corpusPods, seedDocuments } from './seeds.ts';
import { composeDocuments, spellings } from './spellings.ts';
import { withoutPlaces } from './without-places.ts';

/** Documents that were right together, and what was done to them. */
const arbitraryManifest: fc.Arbitrary<Buffer> = fc
  .record({
    documents: fc.uniqueArray(fc.noBias(fc.nat(seedDocuments.length - 1)), { minLength: 1, maxLength: 4 }),
    hasPods: fc.boolean(),
    mutations: fc.array(arbitraryMutation, { minLength: 1, maxLength: 3 }),
  })
  .map(({ documents, hasPods, mutations }) => {
    const chosen = documents.map((index) => seedDocuments[index] ?? '');
    const text = [...chosen, ...(hasPods ? corpusPods : [])].join('---\n');
    return mutations.reduce(mutated, Buffer.from(text));
  });

interface Loaded {
  readonly manifests: Manifests;
  readonly cluster: Cluster;
}

type Read =
  | { readonly loaded: Loaded; readonly errors?: undefined }
  | { readonly loaded?: undefined; readonly errors: readonly Diagnostic[] };

/** As sources/load.ts, without a file. */
function read(bytes: Uint8Array): Read {
  const diagnostics: Diagnostic[] = [];
  const text = decodeText(file, bytes, diagnostics);
  if (text === undefined) return { errors: diagnostics };
  try {
    const manifests = parseManifests(text, file);
    const cluster = assembleCluster(manifests.objects, { families: [4, 6], nodes: 2 });
    return { loaded: { manifests, cluster } };
  } catch (error) {
    if (error instanceof BulkheadError) return { errors: error.diagnostics };
    throw error;
  }
}

const file = 'manifests.yaml';

class ManifestSession implements Session<Buffer> {
  readonly #tally = new Tally();

  attempt(bytes: Buffer): void {
    withinPatience(() => this.#attempt(bytes));
  }

  #attempt(bytes: Buffer): void {
    const first = read(bytes);
    deepStrictEqual(read(bytes), first, 'read twice, it says two things');
    const text = decodeText(file, bytes, []);
    if (first.errors) {
      this.#tally.count('refused');
      for (const code of new Set(first.errors.map((error) => error.code))) this.#tally.count(`  ${code}`);
      checkDiagnostics(first.errors, { text, severity: 'error' });
    } else {
      this.#tally.count('accepted');
      checkDiagnostics(first.loaded.manifests.diagnostics, { text, severity: 'warning' });
      this.#judge(first.loaded);
    }
    if (text !== undefined) this.#checkSpellings(first, text);
  }

  #checkSpellings(first: Read, text: string): void {
    const documents = composeDocuments(asYaml(text));
    if (!documents) return;
    if (first.errors?.some(({ code }) => isAboutSpelling(code))) return;
    if (!first.errors) checkComplete(first.loaded, documents);
    for (const spelling of spellings(documents)) {
      const again = read(Buffer.from(spelling.text));
      const what = `${spelling.name}:\n${spelling.text}`;
      deepStrictEqual(saying(again), saying(first), what);
      this.#tally.count('spellings compared');
    }
  }

  #judge({ cluster, manifests }: Loaded): void {
    const policies = translatePolicies(cluster);
    check({ cluster, isWhole: false, policies, manifests });
    this.#tally.count('verdicts compared', judgeEverywhere(cluster, policies));
  }

  tally(): Readonly<Record<string, number>> {
    return this.#tally.counts;
  }

  close(): void {}
}

/** What is wrong with the text and not with what it says. */
function isAboutSpelling(code: string): boolean {
  return code.startsWith('YAML_');
}

/** What was understood, without where it stood. */
function saying({ errors, loaded }: Read): unknown {
  if (errors) return { refused: new Set(errors.map(({ code, field = '' }) => `${code} ${field}`)) };
  const { manifests, cluster } = loaded;
  return withoutPlaces({ objects: manifests.objects, skipped: manifests.skipped, cluster });
}

/** Every document is an object, a list of them, one of a kind that says nothing here, or what a warning is about. */
function checkComplete({ manifests }: Loaded, documents: readonly Document.Parsed[]): void {
  const written = documents.reduce((sum, one) => sum + objectsIn(one.toJS({ maxAliasCount: -1 })), 0);
  const skipped = [...manifests.skipped.values()].reduce((sum, count) => sum + count, 0);
  const warned = manifests.diagnostics.filter(({ code }) => code === 'NOT_A_MANIFEST').length;
  strictEqual(manifests.objects.size + skipped + warned, written, 'objects are lost or come from nowhere');
}

/** As sources/documents.ts reads JSON. */
function asYaml(text: string): string {
  return /^\s*[{[]/.test(text) ? text.replaceAll('\t', ' ') : text;
}

function objectsIn(document: unknown): number {
  if (document === null || document === undefined || document === '') return 0;
  const { kind, items } = document as { kind?: unknown; items?: unknown };
  if (typeof kind !== 'string' || !kind.endsWith('List') || !Array.isArray(items)) return 1;
  return items.reduce((sum: number, item) => sum + Math.max(1, objectsIn(item)), 0);
}

export const manifestTarget: Target<Buffer> = {
  name: 'manifests',
  arbitrary: arbitraryManifest,
  file: { extension: 'yaml', print: (bytes) => bytes, parse: (bytes) => bytes },
  open: () => new ManifestSession(),
};
