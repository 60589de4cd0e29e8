/** Faults as data: the tests make them, docs/faults.md lists them. */
import type { EngineName } from '../../src/datapath/engine-choice.ts';

export interface FaultRow {
  /** What happens; unique. */
  readonly name: string;
  /** What becomes of it. */
  readonly outcome: string;
  /** Permitted packets get lost: which, and until when. Else none may. */
  readonly loses?: string;
  /** Forbidden packets pass: which, and until when. Else none may. */
  readonly opens?: string;
  /** Default: both. */
  readonly engines?: readonly EngineName[];
}

export interface Fault<Stand> extends FaultRow {
  /** In every run of the tests; others only in the full form, which takes half an hour. */
  readonly isSample?: true;
  /** Leaves everything as it was before. */
  readonly run: (stand: Stand) => Promise<void>;
}
