/** The outcome of a run as plain data, for every output format. */
import type { Stack } from './case.ts';
import { cellText } from './cells.ts';
import type { Via } from './engine.ts';
import type { CaseResult, Difference } from './run.ts';

export interface ConformanceReport {
  readonly engine: string;
  readonly via: Via;
  readonly ms: number;
  readonly totals: Totals;
  readonly families: readonly ({ readonly family: string } & Totals)[];
  /** Cells that this engine could not judge on this machine, by reason. */
  readonly skippedCells: Readonly<Record<string, number>>;
  /** A case once per stack that it ran on. */
  readonly cases: readonly CaseReport[];
}

export interface Totals {
  /** Different cases. */
  readonly cases: number;
  /** Cases times stacks. */
  readonly runs: number;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Cells that were judged. */
  readonly cells: number;
}

export interface CaseReport {
  readonly id: string;
  readonly family: string;
  readonly title: string;
  readonly upstream?: string;
  readonly stack: Stack;
  readonly outcome: CaseResult['outcome'];
  readonly cells: number;
  readonly ms: number;
  readonly differences: readonly DifferenceReport[];
  /** As for the whole report. */
  readonly skippedCells: Readonly<Record<string, number>>;
}

export interface DifferenceReport {
  /** From 1. */
  readonly step: number;
  /** `x/a → y/b 80/TCP IPv4: expected denied, was allowed` */
  readonly text: string;
}

export function conformanceReport(
  results: readonly CaseResult[],
  about: { engine: string; via: Via; ms: number },
): ConformanceReport {
  const byFamily = Map.groupBy(results, (result) => result.case.family);
  const skipped: Record<string, number> = {};
  for (const result of results)
    for (const [reason, cells] of result.skipped) skipped[reason] = (skipped[reason] ?? 0) + cells;
  return {
    ...about,
    totals: totalsOf(results),
    families: [...byFamily].map(([family, members]) => ({ family, ...totalsOf(members) })),
    skippedCells: skipped,
    cases: results.map(caseReport),
  };
}

function totalsOf(results: readonly CaseResult[]): Totals {
  const count = (outcome: CaseResult['outcome']) =>
    results.filter((result) => result.outcome === outcome).length;
  return {
    cases: new Set(results.map((result) => result.case.id)).size,
    runs: results.length,
    passed: count('passed'),
    failed: count('failed'),
    skipped: count('skipped'),
    cells: results.reduce((sum, result) => sum + judged(result), 0),
  };
}

function judged({ agreed, differences }: CaseResult): number {
  return agreed + differences.length;
}

function caseReport(result: CaseResult): CaseReport {
  const { id, family, title, upstream } = result.case;
  return {
    id,
    family,
    title,
    ...(upstream === undefined ? {} : { upstream }),
    stack: result.stack,
    outcome: result.outcome,
    cells: judged(result),
    ms: result.ms,
    differences: result.differences.map((difference) => ({
      step: difference.step,
      text: textOf(difference),
    })),
    skippedCells: Object.fromEntries(result.skipped),
  };
}

function textOf(difference: Difference): string {
  if (difference.kind === 'error') return difference.message;
  const { cell, answer } = difference;
  const got = answer.verdict === 'wrong' ? answer.detail : `was ${answer.verdict}`;
  return `${cellText(cell)}: expected ${cell.expected}, ${got}`;
}
