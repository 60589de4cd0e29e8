/** The list of corner cases, and what in the corpus shows each. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Case } from './case.ts';
import { corpusDirectory } from './corpus.ts';
import { Fields, invalid } from './fields.ts';
import { selectCases } from './select.ts';

export interface CornerCase {
  readonly number: number;
  readonly title: string;
  /** Ids; `*` stands for anything. First those that are about nothing else. */
  readonly cases: readonly string[];
}

/** In the order of their numbers. Throws BulkheadError CONFORMANCE_CASE_INVALID, CONFORMANCE_NO_CASE. */
export function readCornerCases(cases: readonly Case[]): readonly CornerCase[] {
  const file = 'corner-cases.yaml';
  const list = new Fields(parse(readFileSync(join(corpusDirectory(), file), 'utf8')), file);
  return list.rest().map((key) => {
    const fields = list.mapping(key);
    const number = Number(key);
    if (!Number.isInteger(number)) throw invalid(file, `${key} is no number`);
    const prefix = `corner-${key.padStart(2, '0')}`;
    const own = cases.filter(({ id }) => id === prefix || id.startsWith(`${prefix}-`)).map(({ id }) => id);
    const others = fields.texts('cases');
    const corner = { number, title: fields.text('title'), cases: [...own, ...others] };
    fields.end();
    for (const id of others) selectCases(cases, { families: [], ids: [id] });
    return corner;
  });
}
