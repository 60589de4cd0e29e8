/** What a node holds before a pod needs it. */
import { describe, expect, test } from 'vitest';
import type { Pod } from '../../src/objects/model.ts';
import { setUp } from './node-stand.ts';
import { flowTo, pod, policy, state, updateBetween, world } from './two-pods.ts';

describe('a pod that has no address yet', () => {
  const awaited = pod('server', '10.0.0.3').replace('podIP: 10.0.0.3, phase: Running', 'phase: Pending');
  const rules = policy('server', [1, 3, 5]);
  const before = state(world.replace(pod('server', '10.0.0.3'), '') + rules);
  const given: typeof before = {
    ...before,
    cluster: { ...before.cluster, pods: new Map([...before.cluster.pods, ...pendingPods(awaited)]) },
  };
  const after = state(world + rules);

  test('has its rules in the kernel before it has one', () => {
    const { enforcer, datapath } = setUp();
    enforcer.update(updateBetween(undefined, before));
    expect(datapath().model.tables().ports.size).toBe(0);
    enforcer.update(updateBetween(before, given));
    expect(datapath().model.tables().ports.size).toBe(3);
    expect(enforcer.update({ pods: after.cluster.pods }).rows).toBe(1);
    expect(datapath().model.judge(flowTo(after.cluster, 3)).allowed).toBe(true);
    expect(datapath().model.judge(flowTo(after.cluster, 2)).allowed).toBe(false);
  });

  test('takes nobody room, and nothing is refused for it', () => {
    const { enforcer, datapath } = setUp();
    enforcer.update(updateBetween(undefined, before));
    datapath().portCapacity = 2;
    enforcer.update(updateBetween(before, given));
    expect([enforcer.behind, [...enforcer.refusals]]).toEqual([undefined, []]);
    expect(datapath().model.tables().ports.size).toBe(0);
  });
});

function pendingPods(manifest: string): (readonly [string, Pod])[] {
  const { pods } = state(world.replace(pod('server', '10.0.0.3'), manifest)).cluster;
  return [...pods].map(([key, one]) => [key, key === 'x/server' ? { ...one, addresses: [] } : one] as const);
}
