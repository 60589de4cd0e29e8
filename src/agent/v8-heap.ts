/** V8's heap in a process that needed much more at its start than it will need for the rest of its life. */
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collect = (
  options: { readonly type: 'major'; readonly flavor: 'last-resort' } | { readonly type: 'minor' },
) => void;

let collect: Collect | undefined;

/**
 * A first list is thousands of objects of JSON in a second. V8 makes room for that and keeps it: at 10,000 pods a quarter of
 * the process. This gives it back, and has V8 collect more often from now on, a little each time. It takes a fraction of
 * a second, in which nothing else runs.
 */
export function settleV8Heap(): void {
  // V8 reads these whenever it collects, not only at the start of the process.
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=50');
  setFlagsFromString('--expose-gc');
  const exposed: Collect | undefined = runInNewContext('globalThis.gc');
  collect = exposed;
  collect?.({ type: 'major', flavor: 'last-resort' });
}

/** Leaves room for the 350 KB of garbage of an average change in a large cluster; V8 collects at 1 MB. */
const tidyBytes = 384 << 10;

/**
 * Between changes, when nothing waits: collects what the young generation holds, so that V8 does not do it in the middle
 * of the next one. Of a settled heap only. A fraction of a millisecond, as hardly anything in it is still needed.
 */
export function tidyV8Heap(): void {
  if (collect && youngBytes() > tidyBytes) collect({ type: 'minor' });
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_used_size ?? 0;
}
