/** What a datapath says that has no room. */
import { BulkheadError, failure } from '../errors.ts';
import type { TableCapacity } from './table-capacity.ts';

export interface MissingRoom {
  /** Of identities there are only so many numbers. */
  readonly what: keyof TableCapacity | 'identities';
  readonly capacity: number;
  /** Absent where no slot was left for a row although the count says otherwise. */
  readonly needed?: number;
  /** It is not a table that is full, but the most that is worked out at all: more memory would not help. */
  readonly fixed?: boolean;
}

/** DATAPATH_FULL. Nothing has changed. What is enforced in place of the change is for the caller to say. */
export class DatapathFull extends BulkheadError {
  readonly missing: MissingRoom;

  constructor(missing: MissingRoom, cause?: unknown) {
    super(missing.fixed ? beyondWhatIsWorkedOut(missing) : noRoom(missing), { cause });
    this.missing = missing;
  }
}

function noRoom({ what, capacity, needed }: MissingRoom) {
  return failure(
    'DATAPATH_FULL',
    `the change needs ${needed ?? 'more'} entries in the table "${what}", which holds ${capacity}`,
    {
      hint: 'Reduce what the policies tell apart: ipBlocks (cidrs), ports, or selectors (subjects, classes, identities). An agent can be given more room: --table-memory.',
    },
  );
}

function beyondWhatIsWorkedOut({ what, capacity }: MissingRoom) {
  return failure(
    'DATAPATH_FULL',
    `the policies of the node's pods make more than ${capacity} rows of "${what}", which is the most that is worked out`,
    {
      hint: 'Rules that overlap, each with ports of its own, multiply: give them the same ports, or blocks that do not overlap. --table-memory does not change this.',
    },
  );
}
