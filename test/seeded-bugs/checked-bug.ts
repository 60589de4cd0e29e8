/** Bugs in TypeScript, each with the smallest part of the suite that has to catch it. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { ConformanceReport } from '../../src/conformance/report.ts';
import { changed } from './seeded-bug.ts';
import type { SourceChange } from './seeded-bug.ts';

type Engine = 'compiled' | 'nftables';

export type Check =
  | { readonly kind: 'cases'; readonly engine: Engine; readonly cases: readonly string[] }
  /** Sequences of changes, random but always the same. */
  | { readonly kind: 'changes' }
  /** The packets that guards are tried with, on the nftables rules. */
  | { readonly kind: 'packets' };

export interface CheckedBug extends SourceChange {
  readonly caughtBy: Check;
}

export function byCases(engine: Engine, cases: readonly string[]): Check {
  return { kind: 'cases', engine, cases };
}

/**
 * What the check finds with the bug, or in the sources as they are. Runs in a process of its own, which loads the changed
 * module. Throws if there is not exactly one place for the bug, or if the check comes to no result.
 */
export function findings(check: Check, bug?: SourceChange): readonly string[] {
  if (bug) changed(readFileSync(bug.file, 'utf8'), bug);
  const seed = bug ? ['--import', './test/seeded-bugs/seed.ts'] : [];
  const { stdout, stderr } = spawnSync(process.execPath, [...seed, ...programOf(check)], {
    encoding: 'utf8',
    env: { ...process.env, ...(bug ? { BULKHEAD_SEEDED_BUG: JSON.stringify(bug) } : {}) },
    maxBuffer: 1 << 28,
  });
  if (stdout === '') throw new Error(`the check comes to no result: ${stderr}`);
  const result = JSON.parse(stdout) as ConformanceReport | string[];
  return 'cases' in result
    ? result.cases.flatMap(({ id, differences }) => differences.map(({ text }) => `${id}: ${text}`))
    : result;
}

function programOf(check: Check): readonly string[] {
  switch (check.kind) {
    case 'cases':
      return [
        'src/cli/main.ts',
        'conformance',
        '--engine',
        check.engine,
        '-o',
        'json',
        '--case',
        ...check.cases,
      ];
    case 'changes':
      return ['test/seeded-bugs/check-changes.ts'];
    case 'packets':
      return ['test/seeded-bugs/check-packets.ts'];
  }
}
