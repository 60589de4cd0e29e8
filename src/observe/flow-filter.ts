/** Which flows a reader wants to see. */
import type { FlowEnd, FlowRecord } from './flow-record.ts';

/** All given fields must match. */
export interface FlowFilter {
  /** `namespace/pod`, `namespace/` for all of it, a workload's or pod's beginning (`cart`), a node, or an address. */
  readonly from?: string;
  readonly to?: string;
  readonly verdict?: 'allowed' | 'denied';
  readonly port?: number;
}

export function matchesFilter(record: FlowRecord, filter: FlowFilter): boolean {
  return (
    (filter.from === undefined || matchesEnd(record.source, filter.from)) &&
    (filter.to === undefined || matchesEnd(record.destination, filter.to)) &&
    (filter.verdict === undefined || record.verdict === filter.verdict) &&
    (filter.port === undefined || record.destination.port === filter.port)
  );
}

/** `namespace/beginning` and `beginning` also match the pods that a workload of that name made. */
export function matchesEnd(end: Pick<FlowEnd, 'kind' | 'name' | 'address'>, pattern: string): boolean {
  if (end.address === pattern || end.name === pattern) return true;
  if (end.kind !== 'pod') return false;
  const unqualified = end.name.slice(end.name.indexOf('/') + 1);
  const name = pattern.includes('/') ? end.name : unqualified;
  return pattern.endsWith('/')
    ? name.startsWith(pattern)
    : name === pattern || name.startsWith(`${pattern}-`);
}
