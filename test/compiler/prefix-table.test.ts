import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { PrefixTable } from '../../src/compiler/prefix-table.ts';
import { cidrContains, cidrContainsCidr, leadingBits, makeAddress, makeCidr } from '../../src/objects/ip.ts';
import type { Cidr, IpFamily } from '../../src/objects/ip.ts';

/** Addresses of few different bits, so that prefixes are nested and equal. */
const arbitraryBits = (family: IpFamily) => {
  const length = family === 4 ? 32 : 128;
  return fc
    .array(fc.constantFrom('0', '1'), { minLength: length, maxLength: length })
    .map((digits) => BigInt(`0b${digits.join('')}`) & 0x8000_0101_0000_0001_0000_0000_8100_0101n);
};

const arbitraryCidr = (family: IpFamily) =>
  fc
    .tuple(arbitraryBits(family), fc.nat(family === 4 ? 32 : 128))
    .map(([bits, length]) => makeCidr(family, bits, length));

test.each([4, 6] as const)('finds what a look at all prefixes finds, IPv%i', (family) => {
  const arbitraryChange = fc.record({ cidr: arbitraryCidr(family), isGone: fc.boolean() });
  fc.assert(
    fc.property(fc.array(arbitraryChange, { maxLength: 60 }), arbitraryBits(family), (changes, bits) => {
      const table = new PrefixTable<Cidr>();
      const all = new Map<string, Cidr>();
      for (const { cidr, isGone } of changes) {
        if (isGone) table.delete(cidr);
        else table.set(cidr, cidr);
        if (isGone) all.delete(cidr.text);
        else all.set(cidr.text, cidr);
      }
      const longest = (list: Iterable<Cidr>): string | undefined =>
        [...list].toSorted((a, b) => b.prefixLength - a.prefixLength)[0]?.text;
      const address = makeAddress(family, bits);
      expect(table.match(address)?.text).toBe(
        longest(all.values().filter((one) => cidrContains(one, address))),
      );
      for (const { cidr } of changes) {
        const around = all.values().filter((one) => one.text !== cidr.text && cidrContainsCidr(one, cidr));
        expect(table.get(cidr)?.text).toBe(all.get(cidr.text)?.text);
        expect(table.cover(cidr)?.text).toBe(longest(around));
      }
      expect(new Set(table.values())).toEqual(new Set(all.values()));
      const leading = all.values().map(({ bits: own, prefixLength }) => leadingBits(4, own, prefixLength));
      if (family === 4)
        expect(new Set(table.entries().map((entry) => entry.leadingBits))).toEqual(new Set(leading));
    }),
    { numRuns: 200 },
  );
});

test('many addresses that end alike are found as others are', () => {
  const table = new PrefixTable<number>();
  const hosts = Array.from({ length: 200_000 }, (_, index) =>
    makeCidr(6, (0x2001_0db8n << 96n) | (BigInt(index) << 64n) | 1n, 128),
  );
  for (const [index, host] of hosts.entries()) table.set(host, index);
  expect(hosts.every((host, index) => table.get(host) === index)).toBe(true);
});
