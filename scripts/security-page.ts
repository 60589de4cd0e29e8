/** Writes the tables of docs/security.md: scripts/node.sh scripts/security-page.ts */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withTables } from '../src/conformance/tables.ts';
import { campaigns } from '../test/attacks/campaigns.ts';
import { knownProjects } from '../test/attacks/known-bugs.ts';
import { securityTables } from '../test/attacks/security-page.ts';
import { threats } from '../test/attacks/threats.ts';

const page = join(import.meta.dirname, '../docs/security.md');
const tables = securityTables({ campaigns, knownProjects, threats });
writeFileSync(page, withTables(readFileSync(page, 'utf8'), tables));
