/** Whether the memory of the tables is as it was written: both copies of what exists twice, and the epoch. */
import type { Drift } from '../datapath.ts';
import { wordsPerPage } from './page-sums.ts';
import { tableNames } from './table-memory.ts';
import type { TableMemory } from './table-memory.ts';

/** Of 4096 bytes: a millisecond or less. */
const pagesPerStep = 128;

/** In steps, between which tables may change. */
export function* auditMemory(memory: TableMemory): Generator<Drift[]> {
  for (const name of tableNames) {
    const words = memory[name];
    for (let first = 0; first < words.pages; first += pagesPerStep) {
      const changed = [...words.changedPages(first, Math.min(first + pagesPerStep, words.pages))];
      const [at] = changed;
      yield at === undefined ? [] : [driftOf(name, changed.length, 4 * wordsPerPage * at)];
    }
  }
}

function driftOf(name: string, pages: number, offset: number): Drift {
  const where = `${pages} of its 4096-byte pages, the first at byte ${offset}`;
  return { kind: 'rows', detail: `the map ${name} was written by somebody else: ${where}` };
}
