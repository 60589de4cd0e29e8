import { describe, expect, test } from 'vitest';
import type { Counters } from '../../src/datapath/datapath.ts';
import { raceBugs } from '../seeded-bugs/race-bugs.ts';
import type { SourceChange } from '../seeded-bugs/seeded-bug.ts';
import { hasClang, withObject } from './broken-objects.ts';
import { isRoot, objectPath } from './kernel-tables.ts';
import { storm } from './storm.ts';

/** A verdict takes so long between its two address lookups that changes happen in between all the time. */
const dawdle: SourceChange = {
  file: 'bpf/judge.h',
  from: '	if (hook == HOOK_FORWARD || source.role == ROLE_LOCAL_POD)\n',
  to: `	for (int i = 0; i < 400; i++)
		bpf_ktime_get_ns();
	if (hook == HOOK_FORWARD || source.role == ROLE_LOCAL_POD)
`,
};

const judged =
  (packets: bigint) =>
  ({ reasons }: Counters): boolean =>
    reasons['not-isolated'].allowed.packets + reasons['default-deny'].denied.packets > packets;
const denied = ({ reasons }: Counters): boolean => reasons['default-deny'].denied.packets > 0n;

describe.skipIf(!isRoot)('[root] change after change under traffic', () => {
  test('every packet is allowed, as every policy allows it', async () => {
    const { reasons, rules } = await storm(objectPath, judged(300_000n));
    // Allowed by each policy's one rule; the server's own side has none.
    expect(rules.get(1)?.packets).toBe(reasons['not-isolated'].allowed.packets);
    expect(reasons['default-deny'].denied.packets).toBe(0n);
    expect(reasons.none.denied.packets).toBe(0n);
  });

  test.skipIf(!hasClang)(
    'no packet is judged by a mixture of two policies, however slow the verdict',
    async () => {
      const { reasons } = await withObject([dawdle], (object) => storm(object, judged(10_000n)));
      expect(reasons['default-deny'].denied.packets).toBe(0n);
    },
  );

  test.skipIf(!hasClang).each(Object.entries(raceBugs))('or it is noticed: %s', async (_, bug) => {
    const { reasons } = await withObject([dawdle, bug], (object) => storm(object, denied));
    expect(reasons['default-deny'].denied.packets).toBeGreaterThan(0n);
  });
});
