/** Every seeded bug, by the part of Bulkhead that it is in. */
import { cacheBugs } from './cache-bugs.ts';
import { changeBugs } from './change-bugs.ts';
import { compilerBugs } from './compiler-bugs.ts';
import { guardBugs } from './guard-bugs.ts';
import { lookupBugs } from './lookup-bugs.ts';
import { nftablesBugs } from './nftables-bugs.ts';
import { raceBugs } from './race-bugs.ts';
import type { SeededBugs } from './seeded-bug.ts';

export interface BugGroup {
  readonly part: string;
  readonly bugs: SeededBugs;
  /** What has to notice. */
  readonly caughtBy: string;
  /** Seeds them. */
  readonly test: string;
}

const here = 'test/seeded-bugs/seeded-bugs.test.ts';

export const bugGroups: readonly BugGroup[] = [
  {
    part: 'Policies and the compiler',
    bugs: compilerBugs,
    caughtBy: 'the cases of the corpus that are named, each of them',
    test: here,
  },
  {
    part: 'The compiler that follows changes',
    bugs: changeBugs,
    caughtBy: 'the fuzzer of changes: verdicts after each write, tables after each change',
    test: here,
  },
  {
    part: 'The nftables engine',
    bugs: nftablesBugs,
    caughtBy: 'the cases that are named, or the packets of test/datapath/guards, on the rules interpreted',
    test: here,
  },
  {
    part: 'The eBPF programs: guards',
    bugs: guardBugs,
    caughtBy: 'the packets of test/datapath/guards, in the kernel',
    test: 'test/datapath/mutations.test.ts',
  },
  {
    part: 'The eBPF programs: lookups',
    bugs: lookupBugs,
    caughtBy: 'rows that come and go in little room, against a table without hashes',
    test: 'test/datapath/lookup.test.ts',
  },
  {
    part: 'The eBPF programs: kept verdicts',
    bugs: cacheBugs,
    caughtBy: 'the same packets and changes with and without kept verdicts',
    test: 'test/datapath/cache.test.ts',
  },
  {
    part: 'The eBPF programs: changes under traffic',
    bugs: raceBugs,
    caughtBy: 'change after change under traffic, with the programs slowed down',
    test: 'test/datapath/storm.test.ts',
  },
];
