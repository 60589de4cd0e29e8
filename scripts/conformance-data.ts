/** Writes what of the conformance corpus is generated: scripts/node.sh scripts/conformance-data.ts */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cyclonusFiles } from '../src/conformance/cyclonus/cases.ts';

const root = join(import.meta.dirname, '..');
for (const [name, text] of cyclonusFiles()) {
  const path = join(root, 'conformance/cases', name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
