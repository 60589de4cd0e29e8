/** Rows of the tables as elements of sets, byte for byte. */
import type { Element } from '../../kernel/nftables-changes.ts';
import { addressBytes, addressWidth } from '../../objects/ip.ts';
import type { Address } from '../../objects/ip.ts';
import type { AddressValue, ClassRow } from '../../compiler/tables.ts';
import type { RuleId } from '../../compiler/program.ts';
import type { AddressRange } from './address-ranges.ts';
import { counterName, encodeId } from './decision.ts';
import type { PortTable } from './port-ranges.ts';
import { setName, shared } from './sets.ts';
import type { Version } from './sets.ts';

/** An element and the set that it belongs in. */
export interface Entry {
  readonly set: string;
  readonly element: Element;
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** The first word is not read (steps.ts). */
function idValue(id: number): Uint8Array {
  return joined(new Uint8Array(4), encodeId(id));
}

export function addressEntries(version: Version, address: Address, value: AddressValue): Entry[] {
  const { family } = address;
  const key = addressBytes(address);
  const valued = (table: 'identity' | 'egress' | 'ingress', id: number): Entry => ({
    set: setName(table, family, version),
    element: { key, value: idValue(id) },
  });
  const identity = valued('identity', value.identity);
  if (value.role !== 'local-pod') return [identity];
  return [
    identity,
    valued('egress', value.egressSet),
    valued('ingress', value.ingressSet),
    { set: setName('self', family, version), element: { key: joined(key, key) } },
  ];
}

/** A range of addresses is two elements: where it begins, and the first address behind it, if there is one. */
export function rangeEntries(version: Version, { family, first, last, identity }: AddressRange): Entry[] {
  const set = setName('range', family, version);
  const bytes = (bits: bigint): Uint8Array => addressBytes({ family, bits });
  const begin: Entry = { set, element: { key: bytes(first), value: idValue(identity) } };
  const isLast = last + 1n === 1n << BigInt(addressWidth(family));
  return isLast ? [begin] : [begin, { set, element: { key: bytes(last + 1n), end: true } }];
}

export function classEntry(row: Omit<ClassRow, 'lengths'>): Entry {
  const value = idValue(row.class);
  return row.identity === 0
    ? { set: shared.anyone, element: { key: encodeId(row.set), value } }
    : { set: shared.classes, element: { key: joined(encodeId(row.set), encodeId(row.identity)), value } };
}

export function portEntries(table: PortTable): Entry[] {
  const key = (protocol: number, port: number): Uint8Array =>
    joined(encodeId(table.class), Uint8Array.of(protocol, 0, 0, 0, port >> 8, port & 0xff, 0, 0));
  const exact = table.exact.map(({ protocol, first, decision }) => ({
    set: shared.ports,
    element: { key: key(protocol, first), value: idValue(decision) },
  }));
  const ranges = table.ranges.map(({ protocol, first, last, decision }) => ({
    set: shared.portRanges,
    element: { key: key(protocol, first), last: key(protocol, last), value: idValue(decision) },
  }));
  const any = {
    set: shared.anyPort,
    element: { key: encodeId(table.class), value: idValue(table.any ?? 0) },
  };
  return [...exact, ...ranges, ...(table.any === undefined ? [] : [any])];
}

export function decisionsOf({ exact, ranges, any }: PortTable): number[] {
  return [...exact, ...ranges].map(({ decision }) => decision).concat(any ?? []);
}

export function ruleEntry(decision: number, rule: RuleId): Entry {
  return { set: shared.rules, element: { key: encodeId(decision), counter: counterName(rule) } };
}
