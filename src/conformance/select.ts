/** Which cases a person means. */
import { BulkheadError, failure } from '../errors.ts';
import { closest } from '../objects/suggest.ts';
import type { Case } from './case.ts';

export interface Selection {
  /** Names of families, or what they begin with: `cyclonus` is all of `cyclonus-…`. Empty: all. */
  readonly families: readonly string[];
  /** Ids, in which `*` stands for anything. Empty: all. */
  readonly ids: readonly string[];
}

/** Cases that belong to any of the families and have any of the ids. Throws BulkheadError CONFORMANCE_NO_CASE. */
export function selectCases(cases: readonly Case[], { families, ids }: Selection): readonly Case[] {
  const known = [...new Set(cases.map(({ family }) => family))];
  for (const family of families) {
    if (known.some((name) => belongsTo(name, family))) continue;
    const near = closest(family, known);
    throw new BulkheadError(
      failure('CONFORMANCE_NO_CASE', `there is no family ${family}`, {
        hint: near ? `Did you mean ${near}?` : `There are ${known.join(', ')}.`,
      }),
    );
  }
  const selected = cases.filter(
    ({ family, id }) =>
      (families.length === 0 || families.some((one) => belongsTo(family, one))) &&
      (ids.length === 0 || ids.some((pattern) => matches(id, pattern))),
  );
  if (selected.length > 0) return selected;
  throw new BulkheadError(
    failure('CONFORMANCE_NO_CASE', `no case is called ${ids.join(' or ')}`, {
      hint: '`bulkhead conformance -o json | jq .cases[].id` lists them; * stands for anything.',
    }),
  );
}

function belongsTo(family: string, name: string): boolean {
  return family === name || family.startsWith(`${name}-`);
}

function matches(id: string, pattern: string): boolean {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[\\^$.|?+()[\]{}]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join('.*')}$`).test(id);
}
