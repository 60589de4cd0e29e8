import { PassThrough } from 'node:stream';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeLine, encodeLine, onLines } from '../../src/lab/wire.ts';
import { arbitraryCluster } from '../generate/cluster.ts';

test('a cluster arrives as it was sent', () => {
  fc.assert(
    fc.property(arbitraryCluster, (cluster) => {
      expect(decodeLine(encodeLine(cluster))).toEqual(cluster);
    }),
    { numRuns: 50 },
  );
});

test('one message is one line, whatever text it holds', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const line = encodeLine({ text });
      expect(line.indexOf('\n')).toBe(line.length - 1);
      expect(decodeLine(line)).toEqual({ text });
    }),
  );
});

test('lines are found however the stream cuts them', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: 'grapheme' })),
      fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 }),
      async (texts, sizes) => {
        const stream = new PassThrough();
        const received: unknown[] = [];
        onLines(stream, (line) => received.push(decodeLine(line)));
        const bytes = Buffer.from(texts.map((text) => encodeLine(text)).join(''));
        for (let start = 0, turn = 0; start < bytes.length; turn += 1) {
          const size = sizes[turn % sizes.length] ?? 1;
          stream.write(bytes.subarray(start, start + size));
          start += size;
        }
        stream.end();
        await new Promise((resolve) => stream.on('end', resolve));
        expect(received).toEqual(texts);
      },
    ),
    { numRuns: 50 },
  );
});
