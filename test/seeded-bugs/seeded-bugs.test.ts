/** Bugs seeded into the compiler and the nftables engine are caught; those of the eBPF programs: test/datapath. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { bugGroups } from './all-bugs.ts';
import { changeBugs } from './change-bugs.ts';
import { byCases, findings } from './checked-bug.ts';
import { compilerBugs } from './compiler-bugs.ts';
import { nftablesBugs } from './nftables-bugs.ts';
import { changed } from './seeded-bug.ts';

const bugs = Object.entries({ ...compilerBugs, ...changeBugs, ...nftablesBugs });

describe('a bug is caught', () => {
  test.each(bugs)('%s', (_, bug) => {
    const found = findings(bug.caughtBy, bug);
    expect(found).not.toEqual([]);
    if (bug.caughtBy.kind !== 'cases') return;
    const failed = new Set(found.map((text) => text.split(':')[0]));
    expect(bug.caughtBy.cases.filter((id) => !failed.has(id))).toEqual([]);
  });
});

describe('the sources as they are pass', () => {
  test.each(['compiled', 'nftables'] as const)('all those cases on %s', (engine) => {
    const checks = bugs.map(([, { caughtBy }]) => caughtBy);
    const cases = checks.flatMap((one) => (one.kind === 'cases' && one.engine === engine ? one.cases : []));
    expect(cases.length).toBeGreaterThan(0);
    expect(findings(byCases(engine, [...new Set(cases)]))).toEqual([]);
  });

  test.each(['changes', 'packets'] as const)('the %s', (kind) => {
    expect(findings({ kind })).toEqual([]);
  });
});

test.each(bugGroups)('there is one place for each bug: $part', ({ bugs: group }) => {
  for (const bug of Object.values(group)) {
    const text = readFileSync(bug.file, 'utf8');
    expect(changed(text, bug)).not.toBe(text);
  }
});
