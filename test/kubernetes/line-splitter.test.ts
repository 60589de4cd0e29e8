import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineSplitter } from '../../src/kubernetes/line-splitter.ts';

test('lines are the same however their bytes are cut, and what has no end is kept', () => {
  const line = fc.string({ unit: 'binary', maxLength: 20 }).map((text) => text.replaceAll('\n', '¶'));
  fc.assert(
    fc.property(fc.array(line), line, fc.array(fc.nat({ max: 12 })), (lines, rest, sizes) => {
      const bytes = Buffer.from([...lines, rest].join('\n'));
      const splitter = new LineSplitter();
      const found: string[] = [];
      let start = 0;
      for (const size of [...sizes, bytes.length]) {
        found.push(...splitter.push(bytes.subarray(start, start + size)));
        start += size;
      }
      expect(found).toEqual(lines.map((text) => Buffer.from(text).toString()));
      expect(splitter.pending).toBe(Buffer.byteLength(rest));
    }),
  );
});
