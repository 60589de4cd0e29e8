/** What TypeScript writes and reads is laid out as the object file has it. */
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { reasons } from '../../src/datapath/datapath.ts';
import { layouts, spansOf } from '../../src/datapath/ebpf/layout.ts';
import { objectPath } from './kernel-tables.ts';
import { readObjectTypes } from './object-types.ts';

const isBuilt = existsSync(objectPath);
const nothing: ReturnType<typeof readObjectTypes> = { structs: new Map(), enums: new Map() };

describe.skipIf(!isBuilt)('the object file', () => {
  // The body runs even if its tests are skipped.
  const { structs, enums } = isBuilt ? readObjectTypes(objectPath) : nothing;

  test.each(Object.keys(layouts) as (keyof typeof layouts)[])('struct %s', (name) => {
    expect(layouts[name]).toEqual(structs.get(name));
  });

  test('reasons have the same numbers', () => {
    const named = [...(enums.get('reason') ?? [])].map(([name, number]) => [
      number,
      wordsOf(name, 'REASON_'),
    ]);
    expect(named).toEqual([...reasons, 'count'].map((reason, number) => [number, reason]));
  });

  test('hooks have the same numbers', () => {
    expect([...(enums.get('hook') ?? [])].map(([name]) => wordsOf(name, 'HOOK_'))).toEqual([
      'forward',
      'local-in',
    ]);
  });
});

function wordsOf(name: string, prefix: string): string {
  return name.slice(prefix.length).toLowerCase().replaceAll('_', '-');
}

test.each([
  ['a single port', [16], 0x1],
  ['every port', [0], 0x10000],
  ['half of them and a single one', [1, 16], 0x8001],
  ['any protocol', [31], 0x80000000],
  ['all together', [0, 16, 31], 0x80010001],
])('spans of %s', (_, lengths, spans) => {
  expect(spansOf(lengths.reduce((mask, length) => (mask | (1 << length)) >>> 0, 0))).toBe(spans);
});
