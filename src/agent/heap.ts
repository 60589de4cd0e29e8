/** The memory of an agent that has its first list; what it does not need any more, the machine gets back. */
import { libc } from '../kernel/libc.ts';
import { settleV8Heap, tidyV8Heap } from './v8-heap.ts';

export interface Heap {
  /** Once, after the first list. Takes a while, in which the kernel enforces. */
  readonly settle: () => void;
  /** After each change, when nothing waits. */
  readonly tidy: () => void;
}

/** Of a process that is the agent's alone. */
export const ownHeap: Heap = {
  settle: () => {
    settleV8Heap();
    trimMalloc();
  },
  tidy: tidyV8Heap,
};

export const untouchedHeap: Heap = { settle: () => undefined, tidy: () => undefined };

/** What TLS and JSON took outside of V8's heap; malloc keeps it (malloc_trim(3)). */
function trimMalloc(): void {
  let trim: (keep: number) => number;
  try {
    trim = libc.func('int malloc_trim(size_t)');
  } catch {
    // Only glibc has it, and only glibc needs it.
    return;
  }
  trim(0);
}
