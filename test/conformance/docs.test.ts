import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { readCornerCases } from '../../src/conformance/corner-cases.ts';
import { readCorpus } from '../../src/conformance/corpus.ts';
import { conformanceTables, withTables } from '../../src/conformance/tables.ts';

const corpus = readCorpus();

it('docs/conformance.md has the tables of the corpus (else run scripts/node.sh scripts/conformance-data.ts)', () => {
  const page = readFileSync('docs/conformance.md', 'utf8');
  expect(page).toBe(withTables(page, conformanceTables(corpus)));
});

it('the list of corner cases has all 56', () => {
  const numbers = readCornerCases(corpus.cases).map(({ number }) => number);
  expect(numbers).toEqual(Array.from({ length: 56 }, (_, index) => index + 1));
});

it('every case of the corner family belongs to a corner case', () => {
  const listed = readCornerCases(corpus.cases).flatMap(({ cases }) => cases);
  const own = corpus.cases.filter(({ family }) => family === 'corner').map(({ id }) => id);
  expect(own.filter((id) => !listed.includes(id))).toEqual([]);
});

it('what no case shows is what policies and packets cannot show', () => {
  const untold = readCornerCases(corpus.cases).filter(({ cases }) => cases.length === 0);
  expect(untold.map(({ number }) => number)).toEqual([20, 21, 23, 24, 41, 45, 46, 47, 48, 49, 53, 54, 56]);
});
