/** The cluster does not do in time what it was told. */
import { BulkheadError, failure } from '../../errors.ts';

export function slow(what: string, ms: number): BulkheadError {
  return new BulkheadError(
    failure('CONFORMANCE_CLUSTER_SLOW', `${what} after ${ms / 1000} s`, {
      hint: 'See `kubectl describe` of it: the image must be there or be pulled, and nodes must have room.',
    }),
  );
}
