/** Nested prefixes as ranges that don't overlap: every address and port keeps the answer of its longest prefix. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PrefixTable } from '../../../src/compiler/prefix-table.ts';
import type { PortEntry } from '../../../src/compiler/program.ts';
import type { CidrRow } from '../../../src/compiler/tables.ts';
import { addressRanges, rangeChanges } from '../../../src/datapath/nftables/address-ranges.ts';
import { decisionOf } from '../../../src/datapath/nftables/decision.ts';
import { portTable } from '../../../src/datapath/nftables/port-ranges.ts';
import { makeAddress, makeCidr } from '../../../src/objects/ip.ts';

/** Close together, and at both ends of the address space. */
const arbitraryBits = fc.oneof(fc.bigInt(0n, 63n), fc.bigInt(0xffffffc0n, 0xffffffffn));
const arbitraryRow = fc
  .record({ bits: arbitraryBits, length: fc.constantFrom(0, 24, 26, 28, 30, 31, 32), identity: fc.nat(3) })
  .map(({ bits, length, identity }): CidrRow => ({ cidr: makeCidr(4, bits, length), identity }));
const arbitraryRows = fc.uniqueArray(arbitraryRow, { selector: ({ cidr }) => cidr.text, maxLength: 12 });

describe('address ranges', () => {
  test('give each address what its longest prefix has', () => {
    fc.assert(
      fc.property(arbitraryRows, (rows) => {
        const table = new PrefixTable<number>();
        for (const { cidr, identity } of rows) table.set(cidr, identity);
        const ranges = addressRanges(4, rows);
        for (const base of [0n, 0xffffffc0n]) {
          for (let bits = base; bits < base + 64n; bits++) {
            const found = ranges.filter(({ first, last }) => first <= bits && bits <= last);
            const expected = table.match(makeAddress(4, bits));
            expect(found.map(({ identity }) => identity)).toEqual(expected === undefined ? [] : [expected]);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  test('of two families are told apart, and the last address is one', () => {
    const rows = [makeCidr(4, 0n, 0), makeCidr(6, 0n, 0)].map((cidr) => ({ cidr, identity: cidr.family }));
    expect(addressRanges(6, rows)).toEqual([{ family: 6, first: 0n, last: (1n << 128n) - 1n, identity: 6 }]);
  });

  test('change by what is different', () => {
    fc.assert(
      fc.property(arbitraryRows, arbitraryRows, (before, after) => {
        const [old, next] = [addressRanges(4, before), addressRanges(4, after)];
        const { gone, come } = rangeChanges(old, next);
        const kept = old.filter((range) => !gone.includes(range));
        expect([...kept, ...come].sort((a, b) => (a.first < b.first ? -1 : 1))).toEqual(next);
      }),
    );
  });
});

describe('port tables', () => {
  const tcp = 6;
  const arbitraryEntry = fc
    .record({
      port: fc.nat(0xffff),
      prefixLength: fc.constantFrom(0, 1, 8, 12, 15, 16),
      allow: fc.boolean(),
      rule: fc.nat(2),
    })
    .map(({ port, prefixLength, ...rest }): PortEntry => {
      const ignored = 16 - prefixLength;
      return { protocol: tcp, port: (port >> ignored) << ignored, prefixLength, ...rest };
    });
  const arbitraryEntries = fc.uniqueArray(arbitraryEntry, {
    selector: ({ port, prefixLength }) => `${port}/${prefixLength}`,
    maxLength: 10,
  });

  test('give each port what its longest prefix has', () => {
    fc.assert(
      fc.property(arbitraryEntries, (entries) => {
        const { exact, ranges } = portTable(1, entries);
        const edges = entries.flatMap(({ port, prefixLength }) => {
          const end = port + 2 ** (16 - prefixLength);
          return [port - 1, port, end - 1, end];
        });
        for (const port of edges.filter((edge) => edge >= 0 && edge <= 0xffff)) {
          const [longest] = entries
            .filter((entry) => entry.port <= port && port < entry.port + 2 ** (16 - entry.prefixLength))
            .sort((a, b) => b.prefixLength - a.prefixLength);
          const single = exact.find(({ first }) => first === port);
          const inRanges = ranges.filter(({ first, last }) => first <= port && port <= last);
          expect(inRanges.length).toBeLessThan(2);
          expect((single ?? inRanges[0])?.decision).toBe(longest && decisionOf(longest));
        }
      }),
    );
  });

  test('one range where prefixes with one decision touch', () => {
    const entry = (port: number, prefixLength: number): PortEntry => ({
      protocol: tcp,
      port,
      prefixLength,
      allow: true,
      rule: 7,
    });
    expect(portTable(1, [entry(8, 13), entry(16, 12)]).ranges).toEqual([
      { protocol: tcp, first: 8, last: 31, decision: 0x71 },
    ]);
  });
});
