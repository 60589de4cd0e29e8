/** The corpus on disk: conformance/models.yaml and every file of cases below conformance/. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { BulkheadError, failure } from '../errors.ts';
import type { Case } from './case.ts';
import { decodeCases } from './decode-case.ts';
import { invalid } from './fields.ts';
import { decodeModels } from './models.ts';
import type { Models } from './models.ts';

export interface Corpus {
  readonly models: Models;
  /** By file, in the order of the files' names; in a file as they stand there. */
  readonly cases: readonly Case[];
}

/** Throws BulkheadError CONFORMANCE_CASE_INVALID, CONFORMANCE_MISSING. */
export function readCorpus(directory = corpusDirectory()): Corpus {
  const models = decodeModels(readYaml(join(directory, 'models.yaml')), 'models.yaml');
  const files = readdirSync(join(directory, 'cases'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.yaml'))
    .toSorted();
  const cases = files.flatMap((name) => decodeCases(readYaml(join(directory, 'cases', name)), name, models));
  const repeated = cases.find(({ id }, index) => cases.findIndex((other) => other.id === id) !== index);
  if (repeated) throw invalid(repeated.id, 'is the id of two cases');
  return { models, cases };
}

/** Beside src/, and beside dist/ once everything is bundled. */
export function corpusDirectory(): string {
  const candidates = ['../conformance', '../../conformance'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  const found = candidates.find((path) => existsSync(join(path, 'models.yaml')));
  if (found !== undefined) return found;
  throw new BulkheadError(
    failure('CONFORMANCE_MISSING', 'the conformance cases are not where they belong', {
      hint: 'Install the package anew: its folder conformance/ is gone.',
    }),
  );
}

function readYaml(file: string): unknown {
  return parse(readFileSync(file, 'utf8'));
}
