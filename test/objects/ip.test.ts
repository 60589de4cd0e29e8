import { BlockList, isIP } from 'node:net';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addressBytes,
  cidrContains,
  cidrContainsCidr,
  compareAddresses,
  makeAddress,
  makeCidr,
  parseAddress,
  parseCidr,
  type Address,
} from '../../src/objects/ip.ts';

const ipv4 = fc.bigInt(0n, 2n ** 32n - 1n).map((bits) => makeAddress(4, bits));
const ipv6 = fc
  .array(fc.oneof(fc.constant(0n), fc.bigInt(0n, 0xffffn)), { minLength: 8, maxLength: 8 })
  .map((groups) => groups.reduce((bits, group) => (bits << 16n) | group, 0n))
  .filter((bits) => bits >> 32n !== 0xffffn)
  .map((bits) => makeAddress(6, bits));
const address: fc.Arbitrary<Address> = fc.oneof(ipv4, ipv6);

/** Texts that are addresses, nearly addresses, or made of the same letters. */
const candidate = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.ipV4Extended(),
  fc.string({ unit: fc.constantFrom(...Array.from('0123456789abcdefF.:')), maxLength: 24 }),
  fc
    .tuple(
      fc.oneof(fc.ipV4(), fc.ipV6()),
      fc.nat(40),
      fc.constantFrom('', '0', ':', '.', '::', 'g', '%', '/'),
    )
    .map(([text, at, extra]) => text.slice(0, at) + extra + text.slice(at)),
);

describe('parseAddress', () => {
  test('accepts exactly what node:net accepts', () => {
    fc.assert(
      fc.property(candidate, (text) => {
        fc.pre(!text.includes('%'));
        expect(parseAddress(text) !== undefined).toBe(isIP(text) !== 0);
      }),
      { numRuns: 3000 },
    );
  });

  test('writes IPv6 as the URL standard does (RFC 5952)', () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const parsed = parseAddress(text);
        fc.pre(parsed?.family === 6);
        expect(`[${parsed?.text}]`).toBe(new URL(`http://[${text}]/`).hostname);
      }),
      { numRuns: 1000 },
    );
  });

  test('is the inverse of the canonical text', () => {
    fc.assert(
      fc.property(address, (value) => {
        expect(parseAddress(value.text)).toEqual(value);
      }),
    );
  });

  test.each([
    ['::ffff:10.1.2.3', '10.1.2.3'],
    ['::FFFF:0a01:0203', '10.1.2.3'],
    ['::10.1.2.3', '::a01:203'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['0:0:0:0:0:0:0:0', '::'],
  ])('%s is %s', (text, canonical) => {
    expect(parseAddress(text)?.text).toBe(canonical);
  });

  test.each(['', ' 10.0.0.1', '10.0.0.1 ', '010.0.0.1', '10.1', '0x0a000001', '167772161', '10.0.0.256'])(
    'refuses %j',
    (text) => expect(parseAddress(text)).toBeUndefined(),
  );

  test.each(['fe80::1%eth0', '1:2:3:4:5:6:7::8', '1::2::3', ':1', '1:', ':::', '::1.2.3.4.5', '1.2.3.4::'])(
    'refuses %j',
    (text) => expect(parseAddress(text)).toBeUndefined(),
  );
});

describe('parseCidr', () => {
  test.each([
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['10.1.2.3/32', '10.1.2.3/32'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['fd00::1/64', 'fd00::/64'],
    ['::/0', '::/0'],
    ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
    ['::ffff:0:0/95', '::fffe:0:0/95'],
  ])('%s is %s', (text, canonical) => {
    expect(parseCidr(text)?.text).toBe(canonical);
  });

  test.each([
    '10.0.0.0',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/08',
    '10.0.0.0/+8',
    '::/129',
    '10.0.0.0/8/8',
    '/8',
  ])('refuses %j', (text) => expect(parseCidr(text)).toBeUndefined());
});

describe('cidrContains', () => {
  const width = ({ family }: Address): number => (family === 4 ? 32 : 128);
  const withLength = address.chain((base) => fc.tuple(fc.constant(base), fc.nat(width(base))));

  test('agrees with node:net', () => {
    fc.assert(
      fc.property(withLength, fc.tuple(address, fc.nat(127)), ([base, length], [other, flipped]) => {
        // An address near the prefix: one bit of the base flipped; else most pairs would be far apart.
        const near = makeAddress(base.family, base.bits ^ (1n << BigInt(flipped % width(base))));
        const list = new BlockList();
        list.addSubnet(base.text, length, base.family === 4 ? 'ipv4' : 'ipv6');
        for (const probe of [near, other]) {
          if (probe.family !== base.family) continue;
          const expected = list.check(probe.text, probe.family === 4 ? 'ipv4' : 'ipv6');
          expect(cidrContains(makeCidr(base.family, base.bits, length), probe)).toBe(expected);
        }
      }),
    );
  });

  test('never holds across families', () => {
    fc.assert(
      fc.property(ipv4, ipv6, (a, b) => {
        expect(cidrContains(makeCidr(4, 0n, 0), b)).toBe(false);
        expect(cidrContains(makeCidr(6, 0n, 0), a)).toBe(false);
      }),
    );
  });

  test('a prefix contains its halves, and they do not contain it', () => {
    fc.assert(
      fc.property(withLength, ([base, length]) => {
        fc.pre(length < width(base));
        const whole = makeCidr(base.family, base.bits, length);
        const half = makeCidr(base.family, base.bits, length + 1);
        expect(cidrContainsCidr(whole, half)).toBe(true);
        expect(cidrContainsCidr(whole, whole)).toBe(true);
        expect(cidrContainsCidr(half, whole)).toBe(false);
      }),
    );
  });
});

test('addressBytes is network order', () => {
  expect([...addressBytes(makeAddress(4, 0x0a010203n))]).toEqual([10, 1, 2, 3]);
  const bytes = addressBytes(makeAddress(6, 0xfd00_0000_0000_0000_0000_0000_0000_0102n));
  expect(bytes).toHaveLength(16);
  expect([...bytes.subarray(0, 1), ...bytes.subarray(14)]).toEqual([0xfd, 1, 2]);
});

test('compareAddresses puts IPv4 first, then goes by number', () => {
  const texts = ['::1', '10.0.0.10', 'fd00::', '10.0.0.9'];
  const addresses = texts.flatMap((text) => parseAddress(text) ?? []);
  expect(addresses.toSorted(compareAddresses).map(({ text }) => text)).toEqual([
    '10.0.0.9',
    '10.0.0.10',
    '::1',
    'fd00::',
  ]);
});
