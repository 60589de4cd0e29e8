/** Writes the tables of docs/faults.md: scripts/node.sh scripts/faults-page.ts */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withFaultTables } from '../test/faults/faults-page.ts';

const page = join(import.meta.dirname, '../docs/faults.md');
writeFileSync(page, withFaultTables(readFileSync(page, 'utf8')));
