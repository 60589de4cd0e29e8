import { describe, expect, test, vi } from 'vitest';
import { matchesFilter, type FlowFilter } from '../../src/observe/flow-filter.ts';
import { FlowJoiner } from '../../src/observe/flow-join.ts';
import { FlowLog, type FlowItem } from '../../src/observe/flow-log.ts';
import { toFlowRecord } from '../../src/observe/flow-record.ts';
import { History } from '../../src/observe/history.ts';
import { policy } from '../policy/world.ts';
import { eventOn, snapshotOf, tcp } from './observed.ts';

const closed = (name: string) => policy(`podSelector: {matchLabels: {pod: ${name}}}`, name);
const open = snapshotOf('');
const shut = snapshotOf(closed('far'));

describe('the halves of a connection between two nodes', () => {
  const across = tcp('client', 'far', 80);

  test('become one connection, whichever comes first', () => {
    const [out, into] = [eventOn('n1', shut, across), eventOn('n2', shut, across)];
    for (const [first, second] of [
      [out, into],
      [into, out],
    ] as const) {
      const joiner = new FlowJoiner();
      expect(joiner.add(first)).toBeUndefined();
      const connection = joiner.add(second);
      expect(connection && toFlowRecord(connection)).toMatchObject({
        verdict: 'denied',
        decisions: [
          { direction: 'egress', node: 'n1', allowed: true },
          { direction: 'ingress', node: 'n2', allowed: false },
        ],
      });
      expect(joiner.expired(2n ** 63n)).toEqual([]);
    }
  });

  test('a half whose other half is lost comes out alone, in time', () => {
    const joiner = new FlowJoiner();
    const half = eventOn('n1', shut, across);
    expect(joiner.add(half)).toBeUndefined();
    expect(joiner.expired(half.event.time)).toEqual([]);
    expect(joiner.expired(half.event.time + 1_000_000_000n)).toEqual([[half]]);
  });

  test('nobody waits for a half that can not come', () => {
    const joiner = new FlowJoiner();
    for (const flow of [tcp('client', 'web', 80), tcp('client', 'outside', 80), tcp('outside', 'web', 80)]) {
      expect(joiner.add(eventOn('n1', open, flow))).toHaveLength(1);
    }
    const denied = eventOn('n1', snapshotOf(policy('podSelector: {}\npolicyTypes: [Egress]')), across);
    expect(joiner.add(denied)).toEqual([denied]);
  });
});

describe('history', () => {
  test('an event is explained by what was enforced at its time', () => {
    const history = new History();
    history.add(10n, open);
    history.add(20n, shut);
    const at = (time: bigint) => history.at(eventOn('n2', open, tcp('outside', 'far', 80), time).event);
    expect([at(15n), at(25n)]).toEqual([open, shut]);
    // Judged before the change took effect, although after it had begun.
    const known = snapshotOf(policy('podSelector: {}\ningress: [{ports: [{port: 80}]}]', 'old'));
    const mixed = new History();
    mixed.add(10n, known);
    mixed.add(20n, open);
    expect(mixed.at(eventOn('n2', known, tcp('outside', 'far', 80), 25n).event)).toBe(known);
  });
});

describe('the log', () => {
  const log = new FlowLog();
  log.history.add(0n, shut);
  const { event } = eventOn('n2', shut, tcp('outside', 'far', 80), process.hrtime.bigint());
  const followed: FlowItem[] = [];

  test('gives followers what comes, and keeps it for those who ask later', () => {
    log.add('n2', event);
    const unfollow = log.follow((item) => followed.push(item));
    expect(log.followed).toBe(true);
    log.addLost(7);
    log.add('n2', event);
    unfollow();
    log.add('n2', event);
    expect(log.followed).toBe(false);
    expect(followed.map(({ kind }) => kind)).toEqual(['lost', 'flow']);
    expect([...log.newestFirst()].map(({ kind }) => kind)).toEqual(['flow', 'flow', 'lost', 'flow']);
  });

  test('is bounded', () => {
    for (let count = 0; count < 30_000; count += 1) log.addLost(count);
    expect([...log.newestFirst()].length).toBeLessThanOrEqual(25_000);
    expect(log.newestFirst().next().value).toEqual({ kind: 'lost', events: 29_999 });
  });

  test('holds on to the snapshots of the last changes only', () => {
    const long = new FlowLog();
    for (let change = 0; change < 1000; change += 1) {
      long.history.add(BigInt(change), { ...shut });
      long.add('n2', { ...event, time: BigInt(change) });
      long.settle();
    }
    const flows = [...long.newestFirst()].length;
    expect(flows).toBeGreaterThanOrEqual(100);
    expect(flows).toBeLessThanOrEqual(125);
  });

  test.each([
    ['back', 0],
    ['forward', 8.64e15],
  ])('waits as long for the other half when the clock is set %s', (_, clock) => {
    const waiting = new FlowLog();
    waiting.history.add(0n, shut);
    const half = (age: bigint, sourcePort: number) => {
      const { event: other } = eventOn('n1', shut, tcp('client', 'far', 80), process.hrtime.bigint() - age);
      waiting.add('n1', { ...other, sourcePort });
    };
    half(10_000_000_000n, 1);
    half(0n, 2);
    vi.spyOn(Date, 'now').mockReturnValue(clock);
    try {
      waiting.settle();
    } finally {
      vi.restoreAllMocks();
    }
    expect([...waiting.newestFirst()]).toMatchObject([{ record: { source: { port: 1 } } }]);
  });

  test('tells the time of day of an event', () => {
    const [item] = followed.slice(-1);
    const time = item?.kind === 'flow' ? Date.parse(item.record.time) : 0;
    expect(Math.abs(time - Date.now())).toBeLessThan(60_000);
  });
});

const record = toFlowRecord([eventOn('n1', open, tcp('client', 'web', 80))]);

test.each<[FlowFilter, boolean]>([
  [{}, true],
  [{ from: 'x/client' }, true],
  [{ from: 'client' }, true],
  [{ from: 'x/' }, true],
  [{ from: 'y/' }, false],
  [{ from: '10.244.1.1' }, true],
  [{ from: 'x/cli' }, false],
  [{ to: 'x/web', verdict: 'allowed', port: 80 }, true],
  [{ to: 'x/web', verdict: 'denied' }, false],
  [{ to: 'x/web', port: 81 }, false],
  [{ from: 'x/web' }, false],
])('%o matches: %s', (filter, matches) => {
  expect(matchesFilter(record, filter)).toBe(matches);
});
