/** The maps that hold tables, as memory. */
import { processorLimit } from '../../kernel/processors.ts';
import { SharedWindows } from '../../kernel/shared-memory.ts';
import { layouts, pairSlot, slot6 } from './layout.ts';
import type { Capacity } from './capacity.ts';
import type { SlotShape } from './slot-table.ts';
import { Words, wordsPerLine } from './words.ts';

export const tableNames = [
  'control',
  'roots4',
  'nodes4',
  'directory6',
  'addresses6',
  'subjects',
  'classes',
  'ports',
  'port_lists',
] as const;
export type TableName = (typeof tableNames)[number];
export type TableMemory = Readonly<Record<TableName, Words>>;

/** Rows take at most half of the slots: then all but no window is ever full, and most rows are in their home line. */
function linesFor(rows: number, { slots }: SlotShape): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, (2 * rows) / slots)));
}

/**
 * An address or prefix that is far from all others takes four nodes. Many have most of them in common: the rows of a large
 * table are pods, which are dense in the ranges of their nodes, and prefixes, few of which are longer than 24 bits.
 */
function nodesFor(rows: number): number {
  return Math.ceil(Math.min(4 * rows, 2 ** 15 + rows / 4));
}

/** Lines, and of subjects entries, that these capacities need; one copy of the tables that exist twice. */
export function tableSizes(
  capacity: Capacity,
): Record<'nodes4' | 'addresses6' | 'subjects' | 'classes' | 'ports' | 'port_lists', number> {
  return {
    nodes4: nodesFor(capacity.addresses) + nodesFor(capacity.cidrs),
    addresses6: linesFor(capacity.addresses + capacity.cidrs, slot6),
    subjects: capacity.subjects,
    classes: linesFor(capacity.classes, pairSlot),
    ports: linesFor(capacity.ports, pairSlot),
    port_lists: Math.ceil(capacity.ports / 8),
  };
}

/** Words of each map that has these sizes. bpf/tables.h has those that are fixed. */
export function tableWords(capacity: Capacity): Record<TableName, number> {
  const sizes = tableSizes(capacity);
  return {
    control: 2,
    roots4: 2 * 2 ** 16 * 2,
    nodes4: 2 * sizes.nodes4 * wordsPerLine,
    directory6: 2 * (4096 + 4) * 4,
    addresses6: 2 * sizes.addresses6 * wordsPerLine,
    subjects: 4 * sizes.subjects,
    classes: sizes.classes * wordsPerLine,
    ports: sizes.ports * wordsPerLine,
    port_lists: sizes.port_lists * wordsPerLine,
  };
}

/** Bytes of the kernel that tables and the counters of rules take on this machine. */
export function tableBytes(capacity: Capacity): number {
  const words = Object.values(tableWords(capacity)).reduce((sum, count) => sum + count, 0);
  return 4 * words + processorLimit() * capacity.rules * layouts.counter.size;
}

/** `fdOf` says which descriptor a map has. Throws SystemCallError. */
export function shareTables(
  capacity: Capacity,
  fdOf: (name: TableName) => number,
): { readonly memory: TableMemory; readonly close: () => void } {
  const words = tableWords(capacity);
  const shared = tableNames.map((name) => {
    const memory = new SharedWindows(fdOf(name), 4 * words[name]);
    return { memory, words: new Words(name, memory, words[name]) };
  });
  return {
    memory: Object.fromEntries(shared.map((one) => [one.words.name, one.words])) as Record<TableName, Words>,
    close: () => {
      for (const { memory } of shared) memory.close();
    },
  };
}
