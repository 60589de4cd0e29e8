import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { AgentMetrics } from '../../src/agent/metrics/agent-metrics.ts';
import { NodeEnforcer } from '../../src/agent/node-enforcer.ts';
import { Resync } from '../../src/agent/resync.ts';
import { BulkheadError, failure } from '../../src/errors.ts';
import { FakeDatapath } from './fake-datapath.ts';
import { state, updateBetween, world } from './two-pods.ts';

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
