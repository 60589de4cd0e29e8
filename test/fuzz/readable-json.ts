/** Blueprints as JSON that people can read: addresses and prefixes as text, and what is undefined as null. */
import type { Address, Cidr } from '../../src/objects/ip.ts';
import { address, cidr } from '../generate/universe.ts';

export function printReadable(value: unknown): string {
  const short = (_: string, one: unknown): unknown => {
    if (one === undefined) return null;
    if (isHeld(one)) return 'prefixLength' in one ? { cidr: one.text } : { address: one.text };
    return one;
  };
  return `${JSON.stringify(value, short, 1)}\n`;
}

export function parseReadable(text: string): unknown {
  return JSON.parse(text, (_, one: unknown) => {
    if (one === null) return undefined;
    const fields = typeof one === 'object' && !Array.isArray(one) ? Object.entries(one) : [];
    const [[name, held] = []] = fields;
    if (fields.length !== 1 || typeof held !== 'string') return one;
    if (name === 'cidr') return cidr(held);
    return name === 'address' ? address(held) : one;
  });
}

function isHeld(one: unknown): one is Address | Cidr {
  return typeof one === 'object' && one !== null && 'bits' in one && 'family' in one && 'text' in one;
}
