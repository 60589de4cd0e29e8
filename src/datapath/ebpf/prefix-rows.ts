/** Addresses and prefixes as rows of the address tables (bpf/tables.h): the words of the prefix, and its value. */
import { addressWidth } from '../../objects/ip.ts';
import type { IpFamily } from '../../objects/ip.ts';
import type { Row } from './slot-table.ts';

/** Bits of a value: bpf/tables.h. */
export const exact = 0x80000000;
export const subject = 0x40000000;
export const shadowed = 0x20000000;
export const ofPrefix = 0x10000000;
/** IDENTITY_UNPROGRAMMED; identities are smaller. */
export const unprogrammed = 2 ** 24 - 1;

/** Leading bits, a one, zeros; all 32 or 128 bits are `exact` in the value instead. */
export function prefixRow(
  { family, bits, prefixLength }: { family: IpFamily; bits: bigint; prefixLength: number },
  value: number,
): Row {
  const width = addressWidth(family);
  const isExact = prefixLength === width;
  const marked = isExact ? bits : bits | (1n << BigInt(width - prefixLength - 1));
  const words =
    family === 4
      ? [Number(marked)]
      : [96n, 64n, 32n, 0n].map((shift) => Number((marked >> shift) & 0xffffffffn));
  return [...words, isExact ? (value | exact) >>> 0 : value];
}

export function valueOf(row: Row): number {
  return row[row.length - 1] ?? 0;
}

export function prefixLengthOf(row: Row): number {
  const words = row.length - 1;
  if (valueOf(row) & exact) return 32 * words;
  let last = words - 1;
  while (row[last] === 0) last -= 1;
  const word = row[last] ?? 0;
  return 32 * last + 31 - trailingZeros(word);
}

function trailingZeros(word: number): number {
  return 31 - Math.clz32(word & -word);
}
