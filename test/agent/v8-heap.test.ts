/** In a process of its own, as it is about the whole of one. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const source = join(import.meta.dirname, '../../src/agent/v8-heap.ts');

/** Changes that leave 2 MB behind each, with what `between` does after each: how many collections fell into them. */
function collections(prepare: string, between: string): number {
  const script = `
    import { performance, PerformanceObserver } from 'node:perf_hooks';
    import { settleV8Heap, tidyV8Heap } from ${JSON.stringify(source)};
    const collected = [];
    new PerformanceObserver((list) => collected.push(...list.getEntries())).observe({ entryTypes: ['gc'] });
    ${prepare}
    const changes = [];
    for (let round = 0; round < 50; round += 1) {
      const start = performance.now();
      let left = 0;
      for (let piece = 0; piece < 2000; piece += 1) left += Array.from({ length: 100 }, () => piece).length;
      if (left !== 200_000) throw new Error('nothing was done');
      changes.push({ start, end: performance.now() });
      ${between}
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
    const within = collected.filter(({ startTime }) => changes.some(({ start, end }) => start < startTime && startTime < end));
    console.log(within.length);`;
  const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script];
  return Number(execFileSync(process.execPath, flags, { encoding: 'utf8' }));
}

test('V8 collects between the changes of an agent, and not in one, large as it may be', () => {
  expect(collections('', '')).toBeGreaterThan(10);
  expect(collections('settleV8Heap();', 'tidyV8Heap();')).toBe(0);
});
