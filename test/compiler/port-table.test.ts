import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { portTable } from '../../src/compiler/port-table.ts';
import type { MatchedRule, MatchedTier } from '../../src/compiler/port-table.ts';
import { anyProtocol } from '../../src/compiler/program.ts';
import type { PortEntry } from '../../src/compiler/program.ts';

const allow = (id: number, from: number, to = from, protocol = 6): MatchedRule => ({
  id,
  action: 'allow',
  ports: [{ protocol, from, to }],
});
const tableOf = (...rules: MatchedRule[]) => portTable([{ rules, denies: true }]);

/** As a datapath reads the table. */
function find(entries: readonly PortEntry[], protocol: number, port: number): string {
  const matching = entries.filter(
    (entry) =>
      entry.protocol === protocol &&
      port >> (16 - entry.prefixLength) === entry.port >> (16 - entry.prefixLength),
  );
  const best =
    matching.toSorted((a, b) => b.prefixLength - a.prefixLength)[0] ??
    entries.find((entry) => entry.protocol === anyProtocol);
  return `${best?.allow ?? false} ${best?.rule ?? 0}`;
}

/** Straight from the definition of tiers. */
function firstMatch(tiers: readonly MatchedTier[], protocol: number, port: number): string {
  for (const { rules, denies } of tiers) {
    const rule = rules.find(
      ({ ports }) =>
        ports === 'any' ||
        ports.some((range) => range.protocol === protocol && range.from <= port && port <= range.to),
    );
    if (rule?.action === 'pass') continue;
    if (rule) return `${rule.action === 'allow'} ${rule.id}`;
    if (denies) return 'false 0';
  }
  return 'true 0';
}

const edges = [0, 1, 79, 80, 81, 443, 1023, 1024, 8000, 8080, 32767, 32768, 65534, 65535];
const arbitraryRange = fc
  .tuple(fc.constantFrom(6, 17), fc.constantFrom(...edges), fc.constantFrom(...edges))
  .map(([protocol, a, b]) => ({ protocol, from: Math.min(a, b), to: Math.max(a, b) }));
const arbitraryTiers: fc.Arbitrary<MatchedTier[]> = fc.array(
  fc.record({
    denies: fc.boolean(),
    rules: fc.array(
      fc.record({
        id: fc.integer({ min: 1, max: 9 }),
        action: fc.constantFrom('allow', 'deny', 'pass'),
        ports: fc.oneof(
          fc.constant('any' as const),
          fc.array(arbitraryRange, { minLength: 1, maxLength: 3 }),
        ),
      }),
      { maxLength: 5 },
    ),
  }),
  { maxLength: 3 },
);

test('every port gets the decision of its first match', () => {
  const ports = [...new Set(edges.flatMap((port) => [port - 1, port, port + 1]))].filter(
    (port) => port >= 0 && port <= 65535,
  );
  fc.assert(
    fc.property(arbitraryTiers, (tiers) => {
      const entries = portTable(tiers);
      for (const protocol of [1, 6, 17, 132]) {
        for (const port of ports) {
          expect(`${port} ${find(entries, protocol, port)}`).toBe(
            `${port} ${firstMatch(tiers, protocol, port)}`,
          );
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('equal decisions give equal tables: one range in pieces, a rule that never decides', () => {
  expect(tableOf(allow(1, 80, 90), allow(1, 91, 99))).toEqual(tableOf(allow(1, 80, 99)));
  expect(tableOf(allow(1, 80, 99), allow(2, 85, 86))).toEqual(tableOf(allow(1, 80, 99)));
});

test('the numbers of the rules do not shape the table', () => {
  const shape = (...ids: [number, number]) =>
    tableOf(allow(ids[0], 80), allow(ids[1], 81)).map(({ port, prefixLength, rule }) => [
      port,
      prefixLength,
      ids.indexOf(rule),
    ]);
  expect(shape(1, 2)).toEqual(shape(2, 1));
});

test('entries are sorted by protocol, port and length', () => {
  const entries = tableOf(allow(1, 1, 65535, 17), allow(2, 80, 95), allow(3, 7), {
    id: 4,
    action: 'deny',
    ports: 'any',
  });
  const keys = entries.map(({ protocol, port, prefixLength }) => [protocol, port, prefixLength]);
  expect(keys).toEqual(
    keys.toSorted(([a = 0, b = 0, c = 0], [d = 0, e = 0, f = 0]) => a - d || b - e || c - f),
  );
});

describe('as few entries as there can be', () => {
  test.each([
    ['one port', [80, 80], 1],
    ['all ports', [0, 65535], 1],
    ['all but port 0: one entry and a hole', [1, 65535], 2],
    ['unprivileged ports: likewise', [1024, 65535], 2],
    ['privileged ports', [1, 1023], 2],
    ['an odd range (11 disjoint prefixes)', [10000, 20000], 8],
  ])('%s', (_, [from, to], count) => {
    expect(tableOf(allow(1, from ?? 0, to))).toHaveLength(count);
  });
});

test('nothing is said about a protocol that gets the any-protocol answer', () => {
  const everything: MatchedRule = { id: 1, action: 'allow', ports: 'any' };
  expect(tableOf(everything, allow(2, 80))).toEqual([
    { protocol: anyProtocol, port: 0, prefixLength: 0, allow: true, rule: 1 },
  ]);
});

test('tiers that all go on to the next end in an allow by default', () => {
  expect(portTable([{ rules: [], denies: false }])).toEqual([
    { protocol: anyProtocol, port: 0, prefixLength: 0, allow: true, rule: 0 },
  ]);
});
