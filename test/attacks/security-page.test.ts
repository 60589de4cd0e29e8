import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { campaigns } from './campaigns.ts';
import { withAttackTable } from './security-page.ts';

test('docs/security.md has every attack (else run scripts/node.sh scripts/security-page.ts)', () => {
  const page = readFileSync('docs/security.md', 'utf8');
  expect(page).toBe(withAttackTable(page, campaigns));
});

test('every attack says what it stands for and what becomes of it', () => {
  for (const { attacks } of campaigns) {
    for (const { standsFor, outcome } of attacks) {
      expect(standsFor.length).toBeGreaterThan(0);
      expect(outcome).not.toBe('');
    }
  }
});
