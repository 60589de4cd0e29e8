/** What shows only when tables change while a packet is judged. */
import { inProgram } from './seeded-bug.ts';
import type { SeededBugs } from './seeded-bug.ts';

export const raceBugs: SeededBugs = {
  'a verdict does not look at the epoch again': inProgram(
    'judge.h',
    'if (control->epoch == epoch)',
    'if (true)',
  ),
};
