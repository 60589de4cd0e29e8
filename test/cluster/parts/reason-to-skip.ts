/** Whether tests run that need parts of a cluster. */
import { missingParts } from './cache.ts';
import type { PartName } from './catalogue.ts';

/** Undefined if they run: all parts are there, or BULKHEAD_CLUSTER=1 asks to build what is missing. */
export function reasonToSkip(parts: readonly PartName[]): string | undefined {
  const missing = process.env.BULKHEAD_CLUSTER === '1' ? [] : missingParts(parts);
  if (missing.length === 0) return undefined;
  return `not built yet: ${missing.join(', ')}; BULKHEAD_CLUSTER=1 builds them`;
}
