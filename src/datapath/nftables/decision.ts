/**
 * What a port entry decides, as one number: the rule's id, and in the last hexadecimal digit what happens and why. It
 * is the key of the rule's counter, too.
 */
import type { PortEntry, RuleId } from '../../compiler/program.ts';

/** Bit 0: allowed. Bit 1: no rule, a default. */
export const codes = { denyByRule: 0, allowByRule: 1, denyByDefault: 2, allowByDefault: 3 } as const;

export const codeMask = 0xf;
const codeBits = 4;

/** Rule ids must leave room for the code. */
export const ruleLimit = 1 << 28;

export function decisionOf({ allow, rule }: Pick<PortEntry, 'allow' | 'rule'>): number {
  return ((rule << codeBits) | (allow ? 1 : 0) | (rule === 0 ? 2 : 0)) >>> 0;
}

export function ruleOf(decision: number): RuleId {
  return decision >>> codeBits;
}

/** Ids and decisions are 32-bit numbers in host order, which is little-endian on x86-64 and arm64. */
export function encodeId(id: number): Uint8Array {
  return Uint8Array.of(id & 0xff, (id >>> 8) & 0xff, (id >>> 16) & 0xff, id >>> 24);
}

export function decodeId(bytes: Uint8Array): number {
  return ((bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8) | ((bytes[2] ?? 0) << 16) | ((bytes[3] ?? 0) << 24)) >>> 0;
}

/** The name of the rule's counter. The counter of rule 0 is that of all defaults. */
export function counterName(rule: RuleId): string {
  return `rule-${rule}`;
}
