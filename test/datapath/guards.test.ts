import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { guardCases } from './guards/all-cases.ts';
import { expectedOf, judgeCase, loads } from './guards/case.ts';
import { worldDelta } from './guard-world.ts';
import { isRoot, KernelTables } from './kernel-tables.ts';

describe.skipIf(!isRoot)('[root] every packet is judged, and counted once', () => {
  describe.each(Object.keys(loads) as (keyof typeof loads)[])('loaded for: %s', (load) => {
    let kernel: KernelTables;

    beforeAll(() => {
      kernel = new KernelTables(loads[load]);
      kernel.tables.apply(worldDelta);
    });
    afterAll(() => {
      kernel.close();
    });

    test.each(guardCases.filter((guard) => guard.load === load))('$name', (guard) => {
      expect(judgeCase(kernel, guard)).toBe(expectedOf(guard));
    });
  });
});
