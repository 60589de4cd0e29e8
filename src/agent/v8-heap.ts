/** V8's heap in a process that needed much more at its start than it will need for the rest of its life. */
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import type { HeapSpaceInfo } from 'node:v8';
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
  growYoungGeneration();
}

/**
 * Both halves of the young generation, of which one is in use. Where somebody is told apart who was not before, a change
 * makes up to 2 MB; V8 would begin with 1 MB, and collect in the middle.
 */
const youngSpaceBytes = 8 << 20;

/** V8 does so when more has survived than there is room for, by a factor that it reads then. */
function growYoungGeneration(): void {
  setFlagsFromString('--semi-space-growth-factor=4');
  for (let round = 0; round < 4 && youngSpace().space_size < youngSpaceBytes; round += 1) {
    const survivors = Array.from({ length: 50_000 }, (_, index) => ({ index }));
    collect?.({ type: 'minor' });
    survivors.length = 0;
  }
  setFlagsFromString('--semi-space-growth-factor=1');
}

/** What an average change in a large cluster leaves behind. */
const tidyBytes = 384 << 10;

/**
 * Between changes, when nothing waits: collects what the young generation holds, so that V8 does not do it in the middle
 * of the next one. Of a settled heap only. A fraction of a millisecond, as hardly anything in it is still needed.
 */
export function tidyV8Heap(): void {
  if (collect && youngSpace().space_used_size > tidyBytes) collect({ type: 'minor' });
}

function youngSpace(): Pick<HeapSpaceInfo, 'space_size' | 'space_used_size'> {
  const space = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space');
  return space ?? { space_size: 0, space_used_size: 0 };
}
