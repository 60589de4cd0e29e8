import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareCidrs, PrefixOrder } from '../../src/analyze/prefix-order.ts';
import { addressWidth, cidrContainsCidr, makeCidr } from '../../src/objects/ip.ts';
import type { IpFamily } from '../../src/objects/ip.ts';

/** Of few addresses, so that they nest, touch, and come twice. */
const prefix = fc
  .record({
    family: fc.constantFrom<IpFamily>(4, 6),
    bits: fc.integer({ min: 0, max: 63 }),
    length: fc.integer({ min: 0, max: 6 }),
  })
  .map(({ family, bits, length }) => {
    const width = addressWidth(family);
    return makeCidr(family, BigInt(bits) << BigInt(width - 6), length);
  });

test('what covers a prefix and what lies in it are those that contain it and that it contains', () => {
  fc.assert(
    fc.property(fc.array(prefix, { maxLength: 30 }), prefix, (prefixes, asked) => {
      const order = new PrefixOrder(prefixes);
      expect(order.covers(asked)).toBe(prefixes.some((other) => cidrContainsCidr(other, asked)));
      const inside = prefixes.filter(
        (other) => cidrContainsCidr(asked, other) && other.prefixLength > asked.prefixLength,
      );
      expect([...order.inside(asked)]).toEqual(inside.toSorted(compareCidrs));
    }),
    { numRuns: 500 },
  );
});
