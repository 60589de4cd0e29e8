/** Flows as lines of JSON on an HTTP response: the last ones first, then those to come until the reader goes. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { matchesFilter } from '../observe/flow-filter.ts';
import type { FlowFilter } from '../observe/flow-filter.ts';
import type { FlowJournal } from '../observe/flow-journal.ts';
import type { FlowItem } from '../observe/flow-log.ts';

export interface FlowQuery {
  readonly last: number;
  readonly follow: boolean;
  /** Of the past ones only those from this time on, as `FlowRecord.time`. */
  readonly since?: string;
  /** Says where the past ends: `{"kind":"live"}`. */
  readonly mark: boolean;
  readonly filter: FlowFilter;
}

/** Between the past flows and those to come, for readers that ask for it. */
export interface LiveMark {
  readonly kind: 'live';
}

/**
 * `?last=20&follow&since=…&mark&from=…&to=…&verdict=denied&port=80`; undefined: a value that can't be. `last` is 20, or
 * all from `since` on.
 */
export function readFlowQuery(parameters: URLSearchParams): FlowQuery | undefined {
  const since = parameters.get('since');
  const last = Number(parameters.get('last') ?? (since === null ? 20 : Number.MAX_SAFE_INTEGER));
  const port = parameters.get('port');
  const verdict = parameters.get('verdict');
  const [from, to] = [parameters.get('from'), parameters.get('to')];
  if (!Number.isSafeInteger(last) || last < 0) return undefined;
  if (since !== null && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(since)) return undefined;
  if (port !== null && !/^\d+$/.test(port)) return undefined;
  if (verdict !== null && verdict !== 'allowed' && verdict !== 'denied') return undefined;
  return {
    last,
    follow: parameters.has('follow'),
    ...(since === null ? {} : { since }),
    mark: parameters.has('mark'),
    filter: {
      ...(from === null ? {} : { from }),
      ...(to === null ? {} : { to }),
      ...(verdict === null ? {} : { verdict }),
      ...(port === null ? {} : { port: Number(port) }),
    },
  };
}

export async function streamFlows(
  journal: FlowJournal,
  { last, follow, since, mark, filter }: FlowQuery,
  response: ServerResponse,
): Promise<void> {
  const wanted = (item: FlowItem) => item.kind === 'lost' || matchesFilter(item.record, filter);
  const write = (item: FlowItem | LiveMark) => response.write(`${JSON.stringify(item)}\n`);
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  response.flushHeaders();
  const past = newestFirst(journal, since).filter(wanted).take(last).toArray();
  for (const item of past.toReversed()) write(item);
  if (!follow) {
    response.end();
    return;
  }
  if (mark) write({ kind: 'live' });
  // A reader that is slower than the flows loses some, and is told how many.
  let skipped = 0;
  let full = false;
  const unfollow = journal.follow((item) => {
    if (!wanted(item)) return;
    if (full) {
      skipped += item.kind === 'lost' ? item.events : 1;
      return;
    }
    if (write(item)) return;
    full = true;
    response.once('drain', () => {
      full = false;
      if (skipped > 0) write({ kind: 'lost', events: skipped });
      skipped = 0;
    });
  });
  try {
    await once(response, 'close');
  } finally {
    unfollow();
  }
}

function* newestFirst(journal: FlowJournal, since = ''): Generator<FlowItem> {
  for (const item of journal.newestFirst()) {
    if (item.kind === 'flow' && item.record.time < since) return;
    yield item;
  }
}
