/** Writes the table of docs/upstream.md from the results in docs/upstream/: scripts/node.sh scripts/upstream-page.ts */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readResults, withResults } from '../test/upstream/upstream-page.ts';

const docs = join(import.meta.dirname, '../docs');
const page = join(docs, 'upstream.md');
writeFileSync(page, withResults(readFileSync(page, 'utf8'), readResults(join(docs, 'upstream'))));
