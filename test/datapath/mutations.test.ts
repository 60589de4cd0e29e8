/** For every guard in the kernel side: taken out, and at least one case of guards/ must notice. */
import { describe, expect, test } from 'vitest';
import { guardBugs } from '../seeded-bugs/guard-bugs.ts';
import { hasClang, withObject } from './broken-objects.ts';
import { guardCases } from './guards/all-cases.ts';
import { expectedOf, judgeCase, loads } from './guards/case.ts';
import { worldDelta } from './guard-world.ts';
import { isRoot, KernelTables } from './kernel-tables.ts';

/** Names of the cases that come out otherwise than they should; stops at the first load that has any. */
function noticed(objectPath: string): string[] {
  for (const load of Object.keys(loads) as (keyof typeof loads)[]) {
    const kernel = new KernelTables({ ...loads[load], objectPath });
    try {
      kernel.tables.apply(worldDelta);
      const wrong = guardCases.filter(
        (guard) => guard.load === load && judgeCase(kernel, guard) !== expectedOf(guard),
      );
      if (wrong.length > 0) return wrong.map((guard) => guard.name);
    } finally {
      kernel.close();
    }
  }
  return [];
}

describe.skipIf(!isRoot || !hasClang)('[root] a guard taken out is noticed', () => {
  test.each(Object.entries(guardBugs))('%s', async (_, bug) => {
    expect(await withObject([bug], noticed)).not.toEqual([]);
  });

  test('the sources as they are', async () => {
    expect(await withObject([], noticed)).toEqual([]);
  });
});
