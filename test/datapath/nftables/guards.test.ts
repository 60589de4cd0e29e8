/** The packets that the eBPF programs are tried with, judged by the nftables rules. */
import { describe, expect, test } from 'vitest';
import { guardCases } from '../guards/all-cases.ts';
import { expectedOf, guardJudge, neverSeen, nftablesCases, readFurther } from './guard-judge.ts';

describe('every packet is judged, and counted once', () => {
  const judge = guardJudge();

  test.each(nftablesCases)('$load: $name', (guard) => {
    expect(judge(guard)).toEqual(expectedOf(guard));
  });

  test('the exceptions are cases', () => {
    const names = new Set(guardCases.map(({ name }) => name));
    expect([...neverSeen, ...readFurther].filter((name) => !names.has(name))).toEqual([]);
  });
});
