/** Writes the table of docs/security.md: scripts/node.sh scripts/security-page.ts */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { campaigns } from '../test/attacks/campaigns.ts';
import { withAttackTable } from '../test/attacks/security-page.ts';

const page = join(import.meta.dirname, '../docs/security.md');
writeFileSync(page, withAttackTable(readFileSync(page, 'utf8'), campaigns));
