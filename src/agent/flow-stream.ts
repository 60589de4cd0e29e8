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
  readonly filter: FlowFilter;
}

/** `?last=20&follow&from=…&to=…&verdict=denied&port=80`; undefined: a value that can't be. */
export function readFlowQuery(parameters: URLSearchParams): FlowQuery | undefined {
  const last = Number(parameters.get('last') ?? 20);
  const port = parameters.get('port');
  const verdict = parameters.get('verdict');
  const [from, to] = [parameters.get('from'), parameters.get('to')];
  if (!Number.isSafeInteger(last) || last < 0) return undefined;
  if (port !== null && !/^\d+$/.test(port)) return undefined;
  if (verdict !== null && verdict !== 'allowed' && verdict !== 'denied') return undefined;
  return {
    last,
    follow: parameters.has('follow'),
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
  { last, follow, filter }: FlowQuery,
  response: ServerResponse,
): Promise<void> {
  const wanted = (item: FlowItem) => item.kind === 'lost' || matchesFilter(item.record, filter);
  const write = (item: FlowItem) => response.write(`${JSON.stringify(item)}\n`);
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  response.flushHeaders();
  for (const item of journal.newestFirst().filter(wanted).take(last).toArray().toReversed()) write(item);
  if (!follow) {
    response.end();
    return;
  }
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
