/** How many rows each table may hold; fixed when the maps are made. */
import { BulkheadError, failure } from '../../errors.ts';

export interface Capacity {
  /** Pods and nodes, per address family. */
  readonly addresses: number;
  /** Prefixes, per address family. */
  readonly cidrs: number;
  /** Different identities and sets of this node's own pods. */
  readonly subjects: number;
  readonly classes: number;
  readonly ports: number;
  /** Rule ids below this are counted. */
  readonly rules: number;
  /** Bytes of the event ring: a power of two, at least a page. */
  readonly eventBytes: number;
  /** Verdicts kept for the packets that follow, of 64 bytes each: a power of two; 0: none. */
  readonly cachedVerdicts: number;
}

export const defaultCapacity: Capacity = {
  addresses: 131_072,
  cidrs: 16_384,
  subjects: 4096,
  classes: 131_072,
  ports: 131_072,
  rules: 65_536,
  eventBytes: 1 << 20,
  cachedVerdicts: 65_536,
};

/** `what` names the table for people; `needed` is absent when no slot was left for a row although the count says otherwise. */
export function fullError(
  options: { what: keyof Capacity | 'identities'; capacity: number; needed?: number },
  cause?: unknown,
): BulkheadError {
  const { what, capacity, needed } = options;
  const wanted = needed === undefined ? 'more' : String(needed);
  return new BulkheadError(
    failure(
      'DATAPATH_FULL',
      `the change needs ${wanted} entries in the table "${what}", which holds ${capacity}; the old policy stays`,
      {
        hint: `Raise the datapath's capacity for "${what}" and start it anew, or reduce what the policies tell apart.`,
      },
    ),
    { cause },
  );
}
