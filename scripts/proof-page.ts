/** Writes the tables of docs/proof.md and of README.md: scripts/node.sh scripts/proof-page.ts */
import { writeFileSync } from 'node:fs';
import { proofPages, withProof } from '../test/proof/proof-page.ts';

for (const path of proofPages) writeFileSync(path, await withProof(path));
