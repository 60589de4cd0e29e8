/** What a datapath says that has no room. */
import { BulkheadError, failure } from '../errors.ts';

export interface MissingRoom {
  /** Names the table for people. */
  readonly what: string;
  readonly capacity: number;
  /** Absent where no slot was left for a row although the count says otherwise. */
  readonly needed?: number;
}

/** Nothing has changed. What is enforced in place of the change is for the caller to say. */
export function fullError({ what, capacity, needed }: MissingRoom, cause?: unknown): BulkheadError {
  const wanted = needed === undefined ? 'more' : String(needed);
  return new BulkheadError(
    failure(
      'DATAPATH_FULL',
      `the change needs ${wanted} entries in the table "${what}", which holds ${capacity}`,
      {
        hint: 'Reduce what the policies tell apart: ipBlocks (cidrs), ports, or selectors (subjects, classes, identities).',
      },
    ),
    { cause },
  );
}
