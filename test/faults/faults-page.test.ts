import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { faultTables } from './all-faults.ts';
import { withFaultTables } from './faults-page.ts';

test('docs/faults.md has every fault (else run scripts/node.sh scripts/faults-page.ts)', () => {
  const page = readFileSync('docs/faults.md', 'utf8');
  expect(page).toBe(withFaultTables(page));
});

test('every fault has a name of its own', () => {
  const names = Object.values(faultTables).flatMap((faults) => faults.map(({ name }) => name));
  expect(new Set(names).size).toBe(names.length);
});
