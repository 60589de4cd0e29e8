/** What an entry of the tree of IPv4 addresses says: ENTRY4_… in bpf/tables.h. */

/** 24 bits of them are the identity or the index of a subject; `subject` is the flag. */
const valueBits = 0x40ffffff;
const lengthShift = 24;
const isNode = 0x80000000;

/** No prefix holds these addresses. */
export const nobody = 0;
/** An address counts as longer than a prefix of all 32 bits. */
export const addressLength = 33;

export function entryOf(value: number, length: number): number {
  return ((value & valueBits) | ((length + 1) << lengthShift)) >>> 0;
}

/** Of the prefix that says who has the addresses of the entry; -1: none. */
export function lengthOf(entry: number): number {
  return ((entry >>> lengthShift) & 63) - 1;
}

export function nodeEntry(node: number): number {
  return (isNode | node) >>> 0;
}

/** Undefined: the entry says itself who has its addresses. */
export function nodeOf(entry: number): number | undefined {
  return entry >= isNode ? entry - isNode : undefined;
}
