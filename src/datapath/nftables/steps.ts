/** The parts that rules are put together from. Registers 0 to 7 are for what is used at once, those from 8 on for keys. */
import type { IpFamily } from '../../objects/ip.ts';
import type { Expression, Register, Verdict } from '../../kernel/nftables-expressions.ts';
import { unprogrammedIdentity } from '../../compiler/tables.ts';
import type { DatapathReason } from '../datapath.ts';
import { codeMask, encodeId } from './decision.ts';
import { setName, shared } from './sets.ts';
import type { Version, VersionedSet } from './sets.ts';

export interface Rule {
  readonly expressions: readonly Expression[];
  /** What `nft list` shows beside it. */
  readonly comment?: string;
}

/** What chains exist once for each of. */
export interface Place {
  readonly family: IpFamily;
  readonly version: Version;
  /** A reply is judged as the packet that it answers: what says source means its destination, and so on. */
  readonly reply: boolean;
}

export type Side = 'source' | 'destination';
export type Direction = 'egress' | 'ingress';

const keyRegister = 8;

const addressFields = {
  4: { source: 12, destination: 16, length: 4 },
  6: { source: 8, destination: 24, length: 16 },
} as const;

export function verdict(what: Verdict): Expression {
  return { kind: 'verdict', verdict: what };
}

export function goto(chain: string): Expression {
  return verdict({ goto: chain });
}

export function equals(register: Register, value: Uint8Array): Expression {
  return { kind: 'compare', operator: '==', register, value };
}

export function isProtocol(number: number): Expression[] {
  return [{ kind: 'meta', key: 'l4proto', to: 0 }, equals(0, Uint8Array.of(number))];
}

export function isFamily(family: IpFamily): Expression[] {
  const nfproto = family === 4 ? 2 : 10;
  return [{ kind: 'meta', key: 'nfproto', to: 0 }, equals(0, Uint8Array.of(nfproto))];
}

/** The packet's conntrack state or its connection's status has the bit. */
export function hasState(key: 'state' | 'status', bit: number): Expression[] {
  return [...stateBit(key, bit), { kind: 'compare', operator: '!=', register: 0, value: new Uint8Array(4) }];
}

export function lacksState(key: 'state' | 'status', bit: number): Expression[] {
  return [...stateBit(key, bit), equals(0, new Uint8Array(4))];
}

function stateBit(key: 'state' | 'status', bit: number): Expression[] {
  return [
    { kind: 'conntrack', key, to: 0 },
    { kind: 'mask', from: 0, to: 0, mask: encodeId(bit) },
  ];
}

/** The transport header has at least so many bytes. A byte is at least 0: so nft shows what is asked for. */
export function hasTransportBytes(length: number): Expression[] {
  return [
    { kind: 'payload', base: 'transport', offset: length - 1, length: 1, to: 0 },
    { kind: 'compare', operator: '>=', register: 0, value: Uint8Array.of(0) },
  ];
}

/** ICMP or ICMPv6 with a whole header; `types` look at its type in register 0. */
export function isIcmp(protocol: number, ...types: readonly Expression[]): Expression[] {
  return [
    ...isProtocol(protocol),
    ...hasTransportBytes(8),
    { kind: 'payload', base: 'transport', offset: 0, length: 1, to: 0 },
    ...types,
  ];
}

export function reasonCounter(reason: DatapathReason, way: 'allowed' | 'denied'): string {
  return `${way}-${reason}`;
}

export function count(reason: DatapathReason, way: 'allowed' | 'denied'): Expression {
  return { kind: 'count', counter: reasonCounter(reason, way) };
}

/** Where the header that is read has the address that is meant. */
function addressAt({ family, reply }: Place, side: Side): { offset: number; length: number } {
  const { length, ...fields } = addressFields[family];
  const inHeader = reply === (side === 'source') ? 'destination' : 'source';
  return { offset: fields[inHeader], length };
}

function address(at: Place, side: Side, to: Register = 0): Expression {
  return { kind: 'payload', base: 'network', ...addressAt(at, side), to };
}

/** The last four bytes of an address, which for IPv4 is all of it. */
function lastWord(at: Place, side: Side, to: Register): Expression {
  const { offset, length } = addressAt(at, side);
  return { kind: 'payload', base: 'network', offset: offset + length - 4, length: 4, to };
}

/**
 * The id that a map has for a key, into `to`; no match if it has none. Clobbers the register before `to`.
 *
 * nft up to its present release aborts when it lists a rule in which a value that came out of a map is (part of) the
 * key of another lookup, and takes down whoever lists the whole ruleset. So values are two words of which the second
 * counts: nft takes that register for what was loaded there before.
 */
function lookUp(
  map: string,
  key: Register,
  { to, shownAs }: { to: Register; shownAs: Expression },
): Expression[] {
  return [shownAs, { kind: 'lookup', set: map, key, to: to - 1 }];
}

/** The value of an address in one of the maps by address. */
export function find(at: Place, [map, side]: readonly [VersionedSet, Side], to = keyRegister): Expression[] {
  const set = setName(map, at.family, at.version);
  return [address(at, side), ...lookUp(set, 0, { to, shownAs: lastWord(at, side, to) })];
}

/** Both addresses are one local pod's, and the packet came in where it goes out. */
export function isSelf(at: Place): Expression[] {
  return [
    address(at, 'source'),
    address(at, 'destination', addressFields[at.family].length / 4),
    { kind: 'lookup', set: setName('self', at.family, at.version), key: 0 },
    { kind: 'reverse-path', to: 0 },
    equals(0, encodeId(1)),
  ];
}

/** An ICMP error from a local pod that quotes what was sent to it. The quoted packet begins after eight bytes. */
export function quotesSender(at: Place): Expression[] {
  const { destination, length } = addressFields[at.family];
  return [
    address(at, 'source'),
    { kind: 'payload', base: 'transport', offset: 8 + destination, length, to: length / 4 },
    { kind: 'lookup', set: setName('self', at.family, at.version), key: 0 },
  ];
}

/** What the interface's name begins with. At the input hook there is none that a packet leaves by. */
export function isPodInterface(key: 'iifname' | 'oifname', prefix: string): Expression[] {
  return [{ kind: 'meta', key, to: 0 }, equals(0, new TextEncoder().encode(prefix))];
}

export function isUnprogrammed(at: Place, side: Side): Expression[] {
  return [...find(at, ['range', side]), equals(keyRegister, encodeId(unprogrammedIdentity))];
}

/** Whose rules a direction asks, and about whom. */
export const sides = {
  egress: { subject: 'source', peer: 'destination' },
  ingress: { subject: 'destination', peer: 'source' },
} as const satisfies Record<Direction, { subject: Side; peer: Side }>;

/** The subject has no rules. */
export function isNotIsolated(at: Place, direction: Direction): Expression[] {
  return [...find(at, [direction, sides[direction].subject]), equals(keyRegister, encodeId(0))];
}

/** Where the peer's class comes from: its address, the range it is in, or that everybody has it. */
export type ClassBy = 'identity' | 'range' | 'anyone';

/** Its class, into the key register; no match if there is none. */
export function findClass(at: Place, direction: Direction, by: ClassBy): Expression[] {
  const { subject, peer } = sides[direction];
  const set = find(at, [direction, subject]);
  const to = keyRegister - 1;
  if (by === 'anyone') return [...set, { kind: 'lookup', set: shared.anyone, key: keyRegister, to }];
  return [
    ...find(at, [by, peer], keyRegister + 1),
    ...set,
    { kind: 'lookup', set: shared.classes, key: keyRegister, to },
  ];
}

/** Which entry of the class's port table is asked for. */
export type PortBy = 'port' | 'range' | 'any';

/**
 * Decides by an entry of the class in the key register and goes where the outcome leads; no match if there is none.
 * Counts the rule, but not for replies: they are counted as such.
 */
export function decide(at: Place, by: PortBy, outcome: { direction: Direction; set: string }): Expression[] {
  const decision = keyRegister + 4;
  const code = keyRegister + 5;
  const portKey: Expression[] = [
    { kind: 'meta', key: 'l4proto', to: keyRegister + 1 },
    { kind: 'payload', base: 'transport', offset: at.reply ? 0 : 2, length: 2, to: keyRegister + 2 },
  ];
  const map = { port: shared.ports, range: shared.portRanges, any: shared.anyPort }[by];
  const shownAs = lastWord(at, sides[outcome.direction].subject, decision);
  return [
    ...(by === 'any' ? [] : portKey),
    ...lookUp(map, keyRegister, { to: decision, shownAs }),
    ...(at.reply ? [] : [{ kind: 'count-by', map: shared.rules, key: decision } as const]),
    { kind: 'mask', from: decision, to: code, mask: encodeId(codeMask) },
    { kind: 'lookup', set: outcome.set, key: code, to: 'verdict' },
  ];
}
