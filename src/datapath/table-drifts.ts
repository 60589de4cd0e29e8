/** Tables of nftables that are not as a datapath left them. */
import type { Drift } from './datapath.ts';

interface Watch {
  changes(): readonly { readonly table: string; readonly isGone: boolean }[];
}

export function tableDrifts(watch: Watch): Drift[] {
  return watch.changes().map(({ table, isGone }) => ({
    kind: 'table',
    detail: `the table ${table} ${isGone ? 'is gone' : 'was changed'}`,
  }));
}
