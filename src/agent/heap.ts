/** The memory of an agent that has its first list; what it does not need any more, the machine gets back. */
import { libc } from '../kernel/libc.ts';
import { settleV8Heap } from './v8-heap.ts';

/** The kernel enforces meanwhile. */
export function settleHeap(): void {
  settleV8Heap();
  trimMalloc();
}

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
