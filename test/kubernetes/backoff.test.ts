import { expect, test } from 'vitest';
import { Backoff } from '../../src/kubernetes/backoff.ts';

/** The longest of many first, second, … waits. */
function bounds(count: number): number[] {
  const longest = Array<number>(count).fill(0);
  for (let run = 0; run < 2_000; run += 1) {
    const backoff = new Backoff({ firstMs: 100, maxMs: 1_000 });
    for (let index = 0; index < count; index += 1)
      longest[index] = Math.max(longest[index] ?? 0, backoff.next());
  }
  return longest;
}

test('waits at random up to a bound that doubles, and no longer than the maximum', () => {
  for (const [index, bound] of [100, 200, 400, 800, 1_000, 1_000].entries()) {
    const longest = bounds(6)[index] ?? 0;
    expect(longest).toBeLessThanOrEqual(bound);
    expect(longest).toBeGreaterThan(bound * 0.9);
  }
});

test('begins anew after a success, and does not overflow', () => {
  const backoff = new Backoff({ firstMs: 100, maxMs: 1_000 });
  for (let index = 0; index < 5_000; index += 1) expect(backoff.next()).toBeLessThanOrEqual(1_000);
  backoff.reset();
  expect(backoff.next()).toBeLessThanOrEqual(100);
});

test('waits at least as long as the server asks, up to two minutes', () => {
  const backoff = new Backoff({ firstMs: 1, maxMs: 1 });
  expect(backoff.next(7)).toBeGreaterThanOrEqual(7_000);
  expect(backoff.next(100_000)).toBeLessThanOrEqual(120_001);
});
