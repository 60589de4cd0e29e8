/**
 * Writes what of the conformance corpus is generated: the Cyclonus cases and the tables of docs/conformance.md.
 *   scripts/node.sh scripts/conformance-data.ts
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readCorpus } from '../src/conformance/corpus.ts';
import { cyclonusFiles } from '../src/conformance/cyclonus/cases.ts';
import { conformanceTables, withTables } from '../src/conformance/tables.ts';

const root = join(import.meta.dirname, '..');
for (const [name, text] of cyclonusFiles()) {
  const path = join(root, 'conformance/cases', name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
const page = join(root, 'docs/conformance.md');
writeFileSync(page, withTables(readFileSync(page, 'utf8'), conformanceTables(readCorpus())));
