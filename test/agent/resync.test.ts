import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { AgentMetrics } from '../../src/agent/metrics/agent-metrics.ts';
import { NodeEnforcer } from '../../src/agent/node-enforcer.ts';
import { Resync } from '../../src/agent/resync.ts';
import { BulkheadError, failure } from '../../src/errors.ts';
import { FakeDatapath } from './fake-datapath.ts';
import { policy, state, updateBetween, world } from './two-pods.ts';

test('a datapath that could not be made anew is made anew in the next round', async () => {
  const opened: FakeDatapath[] = [];
  const logged: string[] = [];
  let isPossible = true;
  const enforcer = new NodeEnforcer('n1', () => {
    if (!isPossible) throw new BulkheadError(failure('BPF_LOAD_FAILED', 'no memory'));
    opened.push(new FakeDatapath());
    return opened.at(-1) ?? new FakeDatapath();
  });
  enforcer.update(updateBetween(undefined, state(world)));
  const resync = new Resync({
    enforcer,
    logger: { log: (level, message) => logged.push(`${level}: ${message}`) },
    metrics: new AgentMetrics({ version: '1', engine: 'ebpf' }),
    periodMs: 60_000,
    changing: () => undefined,
    done: () => undefined,
  });
  const round = async (): Promise<void> => {
    resync.run();
    await turn();
    await turn();
  };
  isPossible = false;
  resync.rebuild();
  await round();
  expect(opened).toHaveLength(1);
  expect(logged.filter((line) => line.startsWith('error: '))).toHaveLength(2);
  isPossible = true;
  await round();
  await round();
  expect(opened).toHaveLength(2);
});

test('what judged packets until now is asked for what it saw before anything is made anew, or offered again', async () => {
  const opened: FakeDatapath[] = [];
  const enforcer = new NodeEnforcer('n1', () => {
    opened.push(new FakeDatapath());
    return opened.at(-1) ?? new FakeDatapath();
  });
  enforcer.update(updateBetween(undefined, state(world)));
  const asked: (readonly [datapaths: number, offers: number | undefined])[] = [];
  const resync = new Resync({
    enforcer,
    logger: { log: () => undefined },
    metrics: new AgentMetrics({ version: '1', engine: 'ebpf' }),
    periodMs: 60_000,
    changing: () => void asked.push([opened.length, opened.at(-1)?.offers]),
    done: () => undefined,
  });
  const [first] = opened;
  if (!first) throw new Error('nothing was opened');
  first.portCapacity = 0;
  enforcer.update(updateBetween(state(world), state(`${world}${policy('refused', [80])}`)));
  expect(enforcer.refusals.size).toBe(1);
  const { offers } = first;
  resync.run();
  await turn();
  await turn();
  expect(asked).toEqual([[1, offers]]);
  expect(first.offers).toBeGreaterThan(offers);
  const tried = first.offers;
  resync.rebuild();
  expect(asked.slice(1)).toEqual([[1, tried]]);
  expect(opened).toHaveLength(2);
});
