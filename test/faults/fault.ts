/** Faults as data: the tests make them, docs/faults.md lists them. */

import type { EngineName } from '../../src/datapath/engine-choice.ts';

/** What the probes must show for a fault; each is a bound on packets in vain, or on packets that should not have been. */
export interface Fault<Stand> {
  /** What happens; unique. */
  readonly name: string;
  /** What becomes of it, in a sentence. */
  readonly outcome: string;
  /** Permitted packets get lost, and why that can't be helped; they come back. Else none may. */
  readonly loses?: string;
  /** Forbidden packets pass for a moment, and until when. Else none may. */
  readonly opens?: string;
  /** Default: both. */
  readonly engines?: readonly EngineName[];
  /** Only in the full form. */
  readonly isLong?: true;
  /** Ends with everything as it was before, but for what the fault has proven. */
  readonly run: (stand: Stand) => Promise<void>;
}
