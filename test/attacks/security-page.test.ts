import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { withTables } from '../../src/conformance/tables.ts';
import { campaigns } from './campaigns.ts';
import { knownProjects } from './known-bugs.ts';
import { attacksFor, securityTables } from './security-page.ts';
import { threats } from './threats.ts';

const everyAttack = campaigns.flatMap(({ attacks }) => attacks);
const knownBugs = knownProjects.flatMap(({ bugs }) => bugs);

test('docs/security.md has every attack (else run scripts/node.sh scripts/security-page.ts)', () => {
  const page = readFileSync('docs/security.md', 'utf8');
  expect(page).toBe(withTables(page, securityTables({ campaigns, knownProjects, threats })));
});

test('every attack says what it stands for and what becomes of it', () => {
  for (const { standsFor, outcome } of everyAttack) {
    expect(standsFor.length).toBeGreaterThan(0);
    expect(outcome).not.toBe('');
  }
});

test('every bug that is known is attacked, or it is said what else there is', () => {
  const open = knownBugs.flatMap(({ ids, instead }) =>
    instead ? [] : ids.filter((id) => attacksFor([id], campaigns).length === 0),
  );
  expect(open).toEqual([]);
});

test('what is attacked has no excuse, and what is told to be tested has the tests', () => {
  for (const { ids, instead } of knownBugs) {
    if (!instead) continue;
    expect(attacksFor(ids, campaigns)).toEqual([]);
    if ('tests' in instead) expect(instead.tests.filter((path) => !existsSync(path))).toEqual([]);
  }
});

test('threats name attacks that there are', () => {
  const names = new Set(everyAttack.map(({ name }) => name));
  const named = threats.flatMap(({ attacks }) => attacks);
  expect(named.filter((name) => !names.has(name))).toEqual([]);
});
