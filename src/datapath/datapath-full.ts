/** What a datapath says that has no room. */
import { BulkheadError, failure } from '../errors.ts';
import type { TableCapacity } from './table-capacity.ts';

export interface MissingRoom {
  /** Of identities there are only so many numbers. */
  readonly what: keyof TableCapacity | 'identities';
  readonly capacity: number;
  /** Absent where no slot was left for a row although the count says otherwise. */
  readonly needed?: number;
}

/** DATAPATH_FULL. Nothing has changed. What is enforced in place of the change is for the caller to say. */
export class DatapathFull extends BulkheadError {
  readonly missing: MissingRoom;

  constructor(missing: MissingRoom, cause?: unknown) {
    const { what, capacity, needed = 'more' } = missing;
    super(
      failure(
        'DATAPATH_FULL',
        `the change needs ${needed} entries in the table "${what}", which holds ${capacity}`,
        {
          hint: 'Reduce what the policies tell apart: ipBlocks (cidrs), ports, or selectors (subjects, classes, identities). An agent can be given more room: --table-memory.',
        },
      ),
      { cause },
    );
    this.missing = missing;
  }
}
