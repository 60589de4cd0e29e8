/**
 * From ordered rules to a port table for longest-prefix lookup. Every port of a protocol belongs to the first rule
 * that matches it; runs of ports with the same decision become the fewest prefixes that give the same answers, nested
 * where that saves entries (R. P. Draves et al., Constructing Optimal IP Routing Tables, INFOCOM 1999). Equal
 * decisions give equal tables, however they were written.
 */
import type { Action } from '../policy/ir.ts';
import { anyProtocol } from './program.ts';
import type { PortEntry, RuleId } from './program.ts';

/** Inclusive; `protocol` is an IANA number. */
export interface PortRange {
  readonly protocol: number;
  readonly from: number;
  readonly to: number;
}

/** A rule whose peers match. */
export interface MatchedRule {
  readonly id: RuleId;
  readonly action: Action;
  readonly ports: 'any' | readonly PortRange[];
}

export interface MatchedTier {
  readonly rules: readonly MatchedRule[];
  /** What no rule matches is denied here, instead of being asked of the next tier. */
  readonly denies: boolean;
}

/** Rule id × 2, plus 1 for allow: one number compares faster than a pair. */
type Decision = number;
const deniedByDefault: Decision = 0;
const allowedByDefault: Decision = 1;

/** Piece i reaches from `starts[i]` to the port before `starts[i + 1]`; neighbours differ. */
interface Pieces {
  readonly starts: readonly number[];
  readonly decisions: readonly Decision[];
}

const portBits = 16;
const portEnd = 2 ** portBits;

/** The rules in tier order → sorted entries; what no entry covers is denied by default. */
export function portTable(tiers: readonly MatchedTier[]): PortEntry[] {
  const background = piecesOf(tiers, anyProtocol).decisions[0] ?? deniedByDefault;
  const entries: PortEntry[] = [];
  if (background !== deniedByDefault) {
    entries.push({ protocol: anyProtocol, port: 0, prefixLength: 0, ...meaning(background) });
  }
  for (const protocol of protocolsOf(tiers)) {
    for (const { decision, ...prefix } of fewestPrefixes(piecesOf(tiers, protocol), background)) {
      entries.push({ protocol, ...prefix, ...meaning(decision) });
    }
  }
  return entries;
}

function meaning(decision: Decision): Pick<PortEntry, 'allow' | 'rule'> {
  return { allow: decision % 2 === 1, rule: Math.floor(decision / 2) };
}

/** Protocols that some rule names, ascending. */
function protocolsOf(tiers: readonly MatchedTier[]): number[] {
  const protocols = new Set<number>();
  for (const { rules } of tiers) {
    for (const { ports } of rules) {
      if (ports !== 'any') for (const { protocol } of ports) protocols.add(protocol);
    }
  }
  return [...protocols].sort((a, b) => a - b);
}

/** Paints the rules over the ports from the last to the first, so that the first match remains. */
function piecesOf(tiers: readonly MatchedTier[], protocol: number): Pieces {
  const bounds = new Set([0]);
  for (const { rules } of tiers) {
    for (const { ports } of rules) {
      if (ports === 'any') continue;
      for (const range of ports) {
        if (range.protocol === protocol) bounds.add(range.from).add(range.to + 1);
      }
    }
  }
  bounds.delete(portEnd);
  const starts = [...bounds].sort((a, b) => a - b);
  const decisions = starts.map((): Decision => allowedByDefault);
  for (const { rules, denies } of tiers.toReversed()) {
    const passed = decisions.slice();
    if (denies) decisions.fill(deniedByDefault);
    for (const { id, action, ports } of rules.toReversed()) {
      const paint = (first: number, end: number) => {
        if (action === 'pass') decisions.splice(first, end - first, ...passed.slice(first, end));
        else decisions.fill(id * 2 + (action === 'allow' ? 1 : 0), first, end);
      };
      if (ports === 'any') paint(0, starts.length);
      else {
        for (const { protocol: of, from, to } of ports) {
          if (of === protocol) paint(pieceAt(starts, from), pieceAt(starts, to) + 1);
        }
      }
    }
  }
  const kept = starts.map((_, index) => index === 0 || decisions[index] !== decisions[index - 1]);
  return {
    starts: starts.filter((_, index) => kept[index]),
    decisions: decisions.filter((_, index) => kept[index]),
  };
}

/** Index of the piece that holds the port. */
function pieceAt(starts: readonly number[], port: number): number {
  let low = 0;
  let high = starts.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? portEnd) <= port) low = middle;
    else high = middle;
  }
  return low;
}

/**
 * `choices`: the decisions that, given to this whole prefix, leave the fewest entries to be nested in it; in the order
 * of the ports that they come from, so that the choice among them doesn't depend on how rules are numbered.
 */
interface PrefixNode {
  readonly choices: readonly Decision[];
  readonly halves?: readonly [PrefixNode, PrefixNode];
}

interface DecidedPrefix {
  readonly port: number;
  readonly prefixLength: number;
  readonly decision: Decision;
}

/** Sorted; a prefix in none of them gets `background`. */
function fewestPrefixes(pieces: Pieces, background: Decision): DecidedPrefix[] {
  const leaves = pieces.decisions.map((decision): PrefixNode => ({ choices: [decision] }));
  const found: DecidedPrefix[] = [];
  choose(reduce(0, 0), 0, 0, background);
  return found;

  function reduce(port: number, prefixLength: number): PrefixNode {
    const piece = pieceAt(pieces.starts, port);
    const leaf = leaves[piece];
    const size = 2 ** (portBits - prefixLength);
    if (leaf && (pieces.starts[piece + 1] ?? portEnd) >= port + size) return leaf;
    const low = reduce(port, prefixLength + 1);
    const high = reduce(port + size / 2, prefixLength + 1);
    const common = low.choices.filter((choice) => high.choices.includes(choice));
    const choices = common.length > 0 ? common : [...new Set([...low.choices, ...high.choices])];
    return { choices, halves: [low, high] };
  }

  function choose(node: PrefixNode, port: number, prefixLength: number, inherited: Decision): void {
    const decision = node.choices.includes(inherited) ? inherited : (node.choices[0] ?? inherited);
    if (decision !== inherited) found.push({ port, prefixLength, decision });
    if (!node.halves) return;
    const half = 2 ** (portBits - prefixLength - 1);
    choose(node.halves[0], port, prefixLength + 1, decision);
    choose(node.halves[1], port + half, prefixLength + 1, decision);
  }
}
