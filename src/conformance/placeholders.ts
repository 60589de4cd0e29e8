/**
 * Prefixes that depend on the cluster's family: `<x/b>/host` (the pod's address alone), `<z/c>/-8` (all but the last
 * eight bits of it), `<any>/0`.
 */
import { addressWidth, makeCidr } from '../objects/ip.ts';
import type { Address } from '../objects/ip.ts';
import { invalid } from './fields.ts';

const pattern = /^<([^>]+)>\/(host|-?\d+)$/;

/** A copy of `value` with every placeholder in it replaced. `addressOf` knows the address that a name stands for. */
export function fillIn(
  value: unknown,
  addressOf: (name: string) => Address | undefined,
  place: string,
): unknown {
  const fill = (part: unknown): unknown => {
    if (Array.isArray(part)) return part.map(fill);
    if (typeof part === 'object' && part !== null)
      return Object.fromEntries(Object.entries(part).map(([key, inner]) => [key, fill(inner)]));
    const [, name, length] = typeof part === 'string' ? (pattern.exec(part) ?? []) : [];
    if (name === undefined || length === undefined) return part;
    const address = addressOf(name);
    if (!address) throw invalid(place, `nobody is called ${name}`);
    return prefixOf(address, length).text;
  };
  return fill(value);
}

function prefixOf({ family, bits }: Address, length: string) {
  const width = addressWidth(family);
  const number = length === 'host' ? width : Number(length);
  return makeCidr(family, bits, number < 0 ? width + number : number);
}
