/**
 * A class's port table as nf_tables holds it: one entry for single ports, found first; ranges that don't overlap, found
 * next; and what holds for any protocol. The table's prefixes nest, and the longest counts.
 */
import { anyProtocol } from '../../compiler/program.ts';
import type { ClassId, PortEntry } from '../../compiler/program.ts';
import { decisionOf } from './decision.ts';

const portBits = 16;

export interface PortRange {
  readonly protocol: number;
  readonly first: number;
  readonly last: number;
  readonly decision: number;
}

export interface PortTable {
  readonly class: ClassId;
  readonly exact: readonly Omit<PortRange, 'last'>[];
  readonly ranges: readonly PortRange[];
  /** The decision for whatever has no entry of its own. */
  readonly any: number | undefined;
}

/** `entries`: all of one class. */
export function portTable(id: ClassId, entries: readonly PortEntry[]): PortTable {
  const ofProtocols = entries.filter(({ protocol }) => protocol !== anyProtocol);
  const any = entries.find(({ protocol }) => protocol === anyProtocol);
  const exact = ofProtocols.filter(({ prefixLength }) => prefixLength === portBits);
  const prefixes = ofProtocols.filter(({ prefixLength }) => prefixLength < portBits);
  return {
    class: id,
    exact: exact.map((entry) => ({
      protocol: entry.protocol,
      first: entry.port,
      decision: decisionOf(entry),
    })),
    ranges: [...new Set(prefixes.map(({ protocol }) => protocol))].flatMap((protocol) =>
      flatten(prefixes.filter((entry) => entry.protocol === protocol)),
    ),
    any: any && decisionOf(any),
  };
}

/** Of one protocol; neighbours with one decision become one range. */
function flatten(prefixes: readonly PortEntry[]): PortRange[] {
  const bounds = prefixes.map((entry) => ({
    first: entry.port,
    last: entry.port + 2 ** (portBits - entry.prefixLength) - 1,
    entry,
  }));
  const starts = [...new Set(bounds.flatMap(({ first, last }) => [first, last + 1]))].sort((a, b) => a - b);
  const ranges: PortRange[] = [];
  for (const [index, first] of starts.entries()) {
    const next = starts[index + 1];
    const holders = bounds.filter((bound) => bound.first <= first && first <= bound.last);
    const [longest] = holders.sort((a, b) => b.entry.prefixLength - a.entry.prefixLength);
    if (next === undefined || !longest) continue;
    const decision = decisionOf(longest.entry);
    const before = ranges.at(-1);
    if (before && before.last + 1 === first && before.decision === decision)
      ranges[ranges.length - 1] = { ...before, last: next - 1 };
    else ranges.push({ protocol: longest.entry.protocol, first, last: next - 1, decision });
  }
  return ranges;
}
