/** The packets that the eBPF programs are tried with, judged by the nftables rules. */
import { describe, expect, test } from 'vitest';
import { guardCases } from '../guards/all-cases.ts';
import type { GuardCase, loads } from '../guards/case.ts';
import { worldDelta } from '../guard-world.ts';
import { InterpretedTables } from './interpreted.ts';
import type { Tracking } from './interpreted.ts';

const trackings: Readonly<Record<keyof typeof loads, Tracking>> = {
  new: 'new',
  established: 'established',
  reply: 'reply',
  related: 'related',
  relatedReply: 'relatedReply',
  production: 'none',
};

/** What the kernel's own IP layer never lets as far as the rules, so that they need no word about it. */
const neverSeen = new Set([
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
const readFurther = new Set([
  'a longer chain',
  'an extension header that reaches beyond the packet',
  'an extension header of which only the start is there',
]);

describe('every packet is judged, and counted once', () => {
  const interpreted = new InterpretedTables();
  interpreted.apply(worldDelta);
  const hookOf = ({ program }: GuardCase) => (program.startsWith('forward') ? 'forward' : 'input');

  test.each(guardCases.filter(({ name }) => !neverSeen.has(name) && !readFurther.has(name)))(
    '$load: $name',
    (guard) => {
      const { accepted, reasons } = interpreted.judge(hookOf(guard), guard.packet, trackings[guard.load]);
      expect({ accepted, reasons }).toEqual({
        accepted: guard.accepted,
        reasons: [{ reason: guard.reason, way: guard.accepted ? 'allowed' : 'denied' }],
      });
    },
  );

  test('the exceptions are cases', () => {
    const names = new Set(guardCases.map(({ name }) => name));
    expect([...neverSeen, ...readFurther].filter((name) => !names.has(name))).toEqual([]);
  });
});
