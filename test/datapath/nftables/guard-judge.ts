/** The packets that the eBPF programs are tried with, for the nftables rules. */
import { guardCases } from '../guards/all-cases.ts';
import type { GuardCase, loads } from '../guards/case.ts';
import { worldDelta } from '../guard-world.ts';
import { InterpretedTables } from './interpreted.ts';
import type { Interpreted, Tracking } from './interpreted.ts';

const trackings: Readonly<Record<keyof typeof loads, Tracking>> = {
  new: 'new',
  established: 'established',
  reply: 'reply',
  related: 'related',
  relatedReply: 'relatedReply',
  production: 'none',
};

/** What the kernel's own IP layer never lets as far as the rules, so that they need no word about it. */
export const neverSeen = new Set([
  'another version',
  'a header that is too short to be one',
  'a header longer than the packet',
  'another version of IPv6',
  'a header cut short',
]);

/**
 * Where nf_tables reads otherwise than the programs: it follows chains of headers of any length, and does not ask whether
 * what a protocol without ports has to say lies within the packet. Only an entry for any protocol lets that pass.
 */
export const readFurther = new Set([
  'a longer chain',
  'an extension header that reaches beyond the packet',
  'an extension header of which only the start is there',
]);

export const nftablesCases = guardCases.filter(({ name }) => !neverSeen.has(name) && !readFurther.has(name));

export type Judged = Pick<Interpreted, 'accepted' | 'reasons'>;

/** Judges one after another, with the same tables. */
export function guardJudge(): (guard: GuardCase) => Judged {
  const interpreted = new InterpretedTables();
  interpreted.apply(worldDelta);
  return ({ program, packet, load }) => {
    const hook = program.startsWith('forward') ? 'forward' : 'input';
    const { accepted, reasons } = interpreted.judge(hook, packet, trackings[load]);
    return { accepted, reasons };
  };
}

/** Counted once, for its reason. */
export function expectedOf({ accepted, reason }: GuardCase): Judged {
  return { accepted, reasons: [{ reason, way: accepted ? 'allowed' : 'denied' }] };
}
