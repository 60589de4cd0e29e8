/** Answers a `flows` request: the last flows that match, oldest first, and then those to come. */
import { matchesFilter } from '../observe/flow-filter.ts';
import type { FlowItem, FlowLog } from '../observe/flow-log.ts';
import type { FlowsRequest, Results } from './protocol.ts';
import type { Reply } from './request-server.ts';

export async function streamFlows(
  log: FlowLog,
  { last, follow, filter }: FlowsRequest,
  reply: Reply,
): Promise<Results['flows']> {
  const wanted = (item: FlowItem) => item.kind === 'lost' || matchesFilter(item.record, filter);
  const past = log.newestFirst().filter(wanted).take(last).toArray();
  for (const item of past.toReversed()) reply.item(item);
  if (!follow) return { shown: past.length };

  let shown = past.length;
  // A reader that is slower than the flows loses some, and is told how many.
  let skipped = 0;
  let full = false;
  const unfollow = log.follow((item) => {
    if (!wanted(item)) return;
    if (full) {
      skipped += item.kind === 'lost' ? item.events : 1;
      return;
    }
    shown += 1;
    if (reply.item(item)) return;
    full = true;
    void reply.drained().then(() => {
      full = false;
      if (skipped > 0) reply.item({ kind: 'lost', events: skipped });
      skipped = 0;
    });
  });
  await new Promise<void>((resolve) => {
    if (reply.signal.aborted) resolve();
    reply.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  unfollow();
  return { shown };
}
