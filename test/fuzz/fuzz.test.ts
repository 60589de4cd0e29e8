/** The fuzzers for a bounded number of cases, what they found before first; `npm run fuzz` goes on for longer. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { changeTarget } from './changes/target.ts';
import { describeFinding, fuzz } from './fuzz.ts';
import { manifestTarget } from './manifests/target.ts';
import { objectTarget } from './objects/target.ts';
import { packetTarget } from './packets/target.ts';
import type { Target } from './target.ts';

/** The case that failed, shrunk and with its seed, where there is one. */
function findingOf<Case>(target: Target<Case>, cases: number): string | undefined {
  const { finding, tally } = fuzz(target, { seed: 1, limit: { cases } });
  expect(Object.values(tally).every((count) => count > 0)).toBe(true);
  return finding && describeFinding(target.name, finding);
}

test('changes, refused ones among them: nothing in between is neither the old policy nor the new', () => {
  expect(findingOf(changeTarget, 300)).toBeUndefined();
});

test('manifests, mutated: read, however they are spelled, and judged alike by all, or refused with good reasons', () => {
  expect(findingOf(manifestTarget, 120)).toBeUndefined();
});

test('objects of the API, mutated: each is taken, or refused on its own, and never leaves its pods open', () => {
  expect(findingOf(objectTarget, 120)).toBeUndefined();
});

test.skipIf(packetTarget.missing)(
  '[root] packets: what an independent parser says is what the programs do',
  () => {
    expect(findingOf(packetTarget, 400)).toBeUndefined();
  },
);

test.each([
  [['--help'], 0],
  [['--no-such-option'], 2],
  [['nosuch'], 2],
  [['changes', '--seconds', 'long'], 2],
])('%j is answered with the usage alone', (args, code) => {
  const main = join(import.meta.dirname, 'main.ts');
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });
  expect(status).toBe(code);
  expect(stdout + stderr).toMatch(/^usage: npm run fuzz -- .*\n$/);
});
