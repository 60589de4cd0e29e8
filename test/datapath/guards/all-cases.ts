/** Every case: run against the real object, and against broken ones. */
import type { GuardCase, Judged, loads } from './case.ts';
import { ipv4HeaderCases, ipv6HeaderCases } from './header-cases.ts';
import { nodeCases } from './node-cases.ts';
import { policyCases } from './policy-cases.ts';
import { trackingCases } from './tracking-cases.ts';

function named(load: keyof typeof loads, cases: Record<string, Judged>): GuardCase[] {
  return Object.entries(cases).map(([name, judged]) => ({ name, load, ...judged }));
}

export const guardCases: readonly GuardCase[] = [
  ...named('new', { ...policyCases, ...ipv4HeaderCases, ...ipv6HeaderCases, ...nodeCases }),
  ...Object.entries(trackingCases).flatMap(([load, cases]) => named(load as keyof typeof loads, cases)),
];
