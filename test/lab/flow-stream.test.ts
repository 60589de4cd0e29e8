import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Counters, Datapath, FlowEvent } from '../../src/datapath/datapath.ts';
import { FlowDrain } from '../../src/lab/flow-drain.ts';
import { streamFlows } from '../../src/lab/flow-stream.ts';
import type { Reply } from '../../src/lab/request-server.ts';
import { FlowLog, type FlowItem } from '../../src/observe/flow-log.ts';
import { eventOn, snapshotOf, tcp } from '../observe/observed.ts';

const open = snapshotOf('');
const eventTo = (port: number): FlowEvent => ({
  ...eventOn('n1', open, tcp('client', 'web', port)).event,
  time: process.hrtime.bigint(),
});

function logOf(...ports: readonly number[]): FlowLog {
  const log = new FlowLog();
  log.history.add(0n, open);
  for (const port of ports) log.add('n1', eventTo(port));
  return log;
}

/** Ports of flows, and `lost N`, in the order in which a reader gets them. */
function describeItem(item: FlowItem): number | string | undefined {
  return item.kind === 'lost' ? `lost ${item.events}` : item.record.destination.port;
}

/** A client that reads as long as `ready` says so. */
class Client implements Reply {
  readonly received: (number | string | undefined)[] = [];
  readonly #gone = new AbortController();
  readonly #drained: (() => void)[] = [];
  ready = true;

  progress(): void {}

  item(item: FlowItem): boolean {
    this.received.push(describeItem(item));
    return this.ready;
  }

  async drained(): Promise<void> {
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  async catchUp(): Promise<void> {
    this.ready = true;
    for (const resolve of this.#drained) resolve();
    await new Promise((resolve) => setImmediate(resolve));
  }

  leave(): void {
    this.#gone.abort();
  }
}

describe('a reader of flows', () => {
  test('gets the last ones that fit, oldest first', async () => {
    const client = new Client();
    const request = { op: 'flows', last: 2, follow: false, filter: { from: 'x/client' } } as const;
    await streamFlows(logOf(1, 2, 3), request, client);
    expect(client.received).toEqual([2, 3]);
  });

  test('gets what comes until it leaves', async () => {
    const log = logOf(1);
    const client = new Client();
    const stream = streamFlows(log, { op: 'flows', last: 0, follow: true, filter: {} }, client);
    log.add('n1', eventTo(2));
    log.addLost(5);
    client.leave();
    expect(await stream).toEqual({ shown: 2 });
    log.add('n1', eventTo(3));
    expect(client.received).toEqual([2, 'lost 5']);
    expect(log.followed).toBe(false);
  });

  test('that is too slow is told how many it missed', async () => {
    const log = logOf();
    const client = new Client();
    const stream = streamFlows(log, { op: 'flows', last: 0, follow: true, filter: {} }, client);
    client.ready = false;
    for (const port of [1, 2, 3]) log.add('n1', eventTo(port));
    await client.catchUp();
    log.add('n1', eventTo(4));
    client.leave();
    await stream;
    expect(client.received).toEqual([1, 'lost 2', 4]);
  });
});

describe('draining', () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] }));
  afterEach(() => vi.useRealTimers());

  test('takes events and notices losses, until it is stopped', () => {
    const log = logOf();
    const waiting = [eventTo(1), eventTo(2)];
    let lostEvents = 0n;
    const nothing = () => undefined;
    const datapath: Datapath = {
      apply: nothing,
      sweep: nothing,
      audit: () => [],
      intact: () => true,
      close: nothing,
      detach: nothing,
      drainEvents: (_limit: number, onEvent: (event: FlowEvent) => void) =>
        waiting.splice(0).forEach(onEvent),
      counters: () => ({ lostEvents }) as Counters,
    };
    const drain = new FlowDrain(log, () => new Map([['n1', datapath]]));
    const seen = () => [...log.newestFirst()].map(describeItem).toReversed();
    drain.start();
    vi.advanceTimersByTime(200);
    expect(seen()).toEqual([1, 2]);
    lostEvents = 3n;
    vi.advanceTimersByTime(2000);
    lostEvents = 4n;
    vi.advanceTimersByTime(2000);
    expect(seen()).toEqual([1, 2, 'lost 3', 'lost 1']);
    drain.stop();
    waiting.push(eventTo(5));
    vi.advanceTimersByTime(2000);
    expect(seen()).toHaveLength(4);
  });
});
