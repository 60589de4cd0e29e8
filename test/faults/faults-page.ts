/** The tables of docs/faults.md, made of the faults. */
import { table, withTables } from '../../src/conformance/tables.ts';
import { faultTables } from './all-faults.ts';
import type { FaultRow } from './fault.ts';

/** The page with its tables replaced. Throws where their marks are missing. */
export function withFaultTables(page: string): string {
  const tables = Object.entries(faultTables).map(
    ([name, faults]) => [name, table(head, faults.map(rowOf))] as const,
  );
  return withTables(page, new Map(tables));
}

const head = [
  'What happens',
  'Engines',
  'Forbidden that passes',
  'Permitted that is lost',
  'What becomes of it',
];

function rowOf({ name, engines = ['ebpf', 'nftables'], opens, loses, outcome }: FaultRow): string[] {
  return [name, engines.join(', '), opens ?? 'none', loses ?? 'none', outcome];
}
