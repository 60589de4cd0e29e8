/** What packets find in the tables of the kernel is what the rows say, whatever shares their lines. */
import { describe, expect, test } from 'vitest';
import { lookupBugs } from '../seeded-bugs/lookup-bugs.ts';
import { hasClang, withObject } from './broken-objects.ts';
import { isRoot, objectPath } from './kernel-tables.ts';
import { lookupFaults } from './lookup-faults.ts';

describe.skipIf(!isRoot)('[root] lookups in the kernel', () => {
  test('find what the rows say, while rows come and go in little room', () => {
    expect(lookupFaults(objectPath)).toEqual([]);
  });
});

describe.skipIf(!isRoot || !hasClang)('[root] a fault in the lookups is noticed', () => {
  test.each(Object.entries(lookupBugs))('%s', async (_, bug) => {
    expect(await withObject([bug], lookupFaults)).not.toEqual([]);
  });
});
