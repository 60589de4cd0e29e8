import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { closedVersion } from '../../src/agent/refused-policy.ts';
import { TableGrowth } from '../../src/agent/table-growth.ts';
import type { PolicedCluster } from '../../src/compiler/live/change.ts';
import { BulkheadError, failure } from '../../src/errors.ts';
import { evaluate } from '../../src/policy/evaluate.ts';
import { arbitraryFlowSeed, buildFlow } from '../generate/flow.ts';
import { arbitraryHistory } from '../generate/scenario.ts';
import { portsOf, setUp } from './node-stand.ts';
import { flowTo, pod, policy, state, updateBetween, world } from './two-pods.ts';

describe('what does not fit', () => {
  test('takes the room of rules that the node keeps for pods that are gone', () => {
    const { enforcer, datapath } = setUp();
    const pods = `${world}${policy('kept', [1, 3])}`;
    const before = state(pods);
    enforcer.update(updateBetween(undefined, before));
    const without = state(pods.replace(pod('server', '10.0.0.3'), ''));
    enforcer.update(updateBetween(before, without));
    expect(datapath().model.tables().ports.size).toBe(2);
    datapath().portCapacity = 3;
    const other = policy('other', [5, 7]).replace('app: server', 'app: client');
    const after = state(`${pods.replace(pod('server', '10.0.0.3'), '')}${other}`);
    enforcer.update(updateBetween(without, after));
    expect(enforcer.behind).toBeUndefined();
    expect([...enforcer.refusals]).toEqual([]);
    expect(
      datapath()
        .model.tables()
        .ports.values()
        .map(({ port }) => port)
        .toArray(),
    ).toEqual([5, 7]);
  });

  test('is not tried policy by policy where a namespace has hundreds: what others change does not wait for it', () => {
    const { enforcer, datapath } = setUp();
    enforcer.update(updateBetween(undefined, state(world)));
    datapath().portCapacity = 8;
    const hundreds = Array.from({ length: 200 }, (_, index) =>
      policy(`greedy-${index}`, [1, 3, 5, 7, 9, 11, 13, 15, 17, 21 + 2 * index]),
    );
    const others = policy('modest', [80]).replace('namespace: x', 'namespace: other');
    const inY = pod('theirs', '10.0.0.4').replace('namespace: x', 'namespace: other');
    const after = state(`${world}${inY.replace('app: theirs', 'app: server')}${hundreds.join('')}${others}`);
    enforcer.update(updateBetween(state(world), after));
    expect(datapath().offers).toBeLessThan(100);
    expect(enforcer.refusals.size).toBe(200);
    expect(enforcer.refusals.has('NetworkPolicy/other/modest')).toBe(false);
    expect(datapath().model.judge(flowTo(after.cluster, 1)).allowed).toBe(false);
    // Those that were passed over come first, until each has had its turn.
    datapath().portCapacity = Infinity;
    enforcer.retryRefused();
    expect([...enforcer.refusals]).toEqual([]);
  });

  test('leaves the pods that changed with it enforced, and closes those of a policy that never was in force', () => {
    const { enforcer, datapath } = setUp();
    const before = state(world);
    enforcer.update(updateBetween(undefined, before));
    datapath().portCapacity = 3;
    const after = state(
      `${world}${pod('late', '10.0.0.4')}${policy('large', [1, 3, 5, 7, 9])}${policy('small', [80])}`,
    );
    enforcer.update(updateBetween(before, after), 1000);
    expect(enforcer.behind).toBeUndefined();
    expect([...enforcer.refusals]).toEqual([
      [
        'NetworkPolicy/x/large',
        { code: 'DATAPATH_FULL', message: 'no room', since: 1000, enforced: 'closed' },
      ],
    ]);
    const { model } = datapath();
    expect(model.judge(flowTo(after.cluster, 80)).allowed).toBe(true);
    expect(model.judge(flowTo(after.cluster, 1)).allowed).toBe(false);
    const late = after.cluster.pods.get('x/late')?.addresses[0];
    expect(late && model.judge({ ...flowTo(after.cluster, 80), source: late }).allowed).toBe(true);
  });

  test('leaves the version before in force, until there is room', () => {
    const { enforcer, datapath } = setUp();
    const before = state(`${world}${policy('server', [80])}`);
    enforcer.update(updateBetween(undefined, before));
    datapath().portCapacity = 2;
    const after = state(`${world}${policy('server', [1, 3, 5, 7, 9])}`);
    enforcer.update(updateBetween(before, after), 1000);
    expect(enforcer.refusals.get('NetworkPolicy/x/server')?.enforced).toBe('previous');
    expect(datapath().model.judge(flowTo(after.cluster, 80)).allowed).toBe(true);
    expect(datapath().model.judge(flowTo(after.cluster, 5)).allowed).toBe(false);
    expect(enforcer.retryRefused(2000)).toBe(false);
    expect(enforcer.refusals.get('NetworkPolicy/x/server')?.since).toBe(1000);
    datapath().portCapacity = Infinity;
    expect(enforcer.retryRefused(3000)).toBe(true);
    expect(enforcer.refusals.size).toBe(0);
    expect(datapath().model.judge(flowTo(after.cluster, 80)).allowed).toBe(false);
    expect(datapath().model.judge(flowTo(after.cluster, 5)).allowed).toBe(true);
  });

  test('is caught up with, if not even pods can be written', () => {
    const { enforcer, datapath } = setUp();
    const before = state(world);
    enforcer.update(updateBetween(undefined, before));
    datapath().refuses = true;
    const after = state(`${world}${policy('server', [80])}`);
    enforcer.update(updateBetween(before, after));
    expect(enforcer.behind?.code).toBe('DATAPATH_FULL');
    datapath().refuses = false;
    enforcer.retryRefused();
    expect(enforcer.behind).toBeUndefined();
    expect(enforcer.refusals.size).toBe(0);
    expect(datapath().model.judge(flowTo(after.cluster, 81)).allowed).toBe(false);
  });

  test('is put in force with the next change, if not even pods could be written with it', () => {
    const { enforcer, datapath } = setUp();
    const before = state(world);
    enforcer.update(updateBetween(undefined, before));
    datapath().refuses = true;
    const refused = state(`${world}${pod('late', '10.0.0.4')}${policy('server', [80])}`);
    enforcer.update(updateBetween(before, refused));
    expect(enforcer.behind?.code).toBe('DATAPATH_FULL');
    datapath().refuses = false;
    const after = state(`${world}${pod('later', '10.0.0.5')}${policy('server', [80])}`);
    const { pods = [] } = updateBetween(refused, after);
    enforcer.update({ pods });
    expect(enforcer.behind).toBeUndefined();
    expect([...enforcer.refusals]).toEqual([]);
    expect(datapath().model.judge(flowTo(after.cluster, 80)).allowed).toBe(true);
    expect(datapath().model.judge(flowTo(after.cluster, 81)).allowed).toBe(false);
  });

  test('is put in force once there is room, if not even pods could be written with it', () => {
    const { enforcer, datapath } = setUp();
    const before = state(world);
    enforcer.update(updateBetween(undefined, before));
    datapath().refuses = true;
    const after = state(`${world}${pod('late', '10.0.0.4')}${policy('server', [80])}`);
    enforcer.update(updateBetween(before, after));
    datapath().refuses = false;
    enforcer.retryRefused();
    expect(enforcer.behind).toBeUndefined();
    expect(datapath().model.judge(flowTo(after.cluster, 81)).allowed).toBe(false);
  });

  test('is closed before others that came with it take the room that closing needs', () => {
    const { enforcer, datapath } = setUp();
    const before = state(world);
    enforcer.update(updateBetween(undefined, before));
    datapath().portCapacity = 1;
    const all = policy('second', [1, 3]).replace('matchLabels: { app: server }', '');
    const after = state(`${world}${policy('first', [80])}${all}`);
    enforcer.update(updateBetween(before, after));
    expect(enforcer.behind).toBeUndefined();
    expect([...enforcer.refusals.keys()]).toEqual(['NetworkPolicy/x/second']);
    const toServer = flowTo(after.cluster, 80);
    expect(datapath().model.judge(toServer).allowed).toBe(true);
    const back = { ...toServer, source: toServer.destination, destination: toServer.source };
    expect(datapath().model.judge(back).allowed).toBe(false);
  });

  test('and is closed, is closed when it still does not fit', () => {
    const { enforcer, datapath } = setUp();
    const before = state(world);
    enforcer.update(updateBetween(undefined, before));
    datapath().portCapacity = 1;
    const after = state(`${world}${policy('server', [1, 3])}`);
    enforcer.update(updateBetween(before, after));
    enforcer.retryRefused();
    expect(enforcer.refusals.get('NetworkPolicy/x/server')?.enforced).toBe('closed');
    const { policies = [] } = updateBetween(after, state(`${world}${policy('server', [5, 7])}`));
    enforcer.update({ policies });
    expect(enforcer.refusals.get('NetworkPolicy/x/server')?.enforced).toBe('closed');
    expect(datapath().model.judge(flowTo(after.cluster, 5)).allowed).toBe(false);
  });
});

describe('a namespace that takes nearly all room', () => {
  const hog = `${pod('hog', '10.0.0.9')}${policy('hog', [1, 3, 5, 7, 9, 11, 13, 15])}`
    .replaceAll('namespace: x', 'namespace: hogs')
    .replace('app: server', 'app: hog');

  function full() {
    const { enforcer, datapath } = setUp();
    datapath().portCapacity = 9;
    const before = state(`${world}${hog}`);
    enforcer.update(updateBetween(undefined, before));
    expect(enforcer.refusals.size).toBe(0);
    return { enforcer, datapath, before };
  }

  test('gives way to policies of others', () => {
    const { enforcer, datapath, before } = full();
    const after = state(`${world}${hog}${policy('server', [80, 82])}`);
    enforcer.update(updateBetween(before, after), 1000);
    expect(enforcer.behind).toBeUndefined();
    const refusal = { code: 'DATAPATH_FULL', message: 'no room', since: 1000, enforced: 'closed' };
    expect([...enforcer.refusals]).toEqual([['NetworkPolicy/hogs/hog', refusal]]);
    const { model } = datapath();
    expect(model.judge(flowTo(after.cluster, 80)).allowed).toBe(true);
    expect(model.judge(flowTo(after.cluster, 81)).allowed).toBe(false);
    const address = after.cluster.pods.get('hogs/hog')?.addresses[0];
    expect(address && model.judge({ ...flowTo(after.cluster, 1), destination: address }).allowed).toBe(false);
    expect(enforcer.retryRefused()).toBe(false);
    expect(model.judge(flowTo(after.cluster, 80)).allowed).toBe(true);
  });

  test('gives way to pods of others', () => {
    const { enforcer, datapath } = setUp();
    datapath().portCapacity = 9;
    const without = `${world.replace(pod('server', '10.0.0.3'), '')}${policy('server', [80, 82])}`;
    const before = state(`${without}${hog}`);
    enforcer.update(updateBetween(undefined, before));
    expect(enforcer.refusals.size).toBe(0);
    const after = state(`${world}${policy('server', [80, 82])}${hog}`);
    enforcer.update(updateBetween(before, after));
    expect(enforcer.behind).toBeUndefined();
    expect([...enforcer.refusals.keys()]).toEqual(['NetworkPolicy/hogs/hog']);
    expect(datapath().model.judge(flowTo(after.cluster, 80)).allowed).toBe(true);
  });

  test('is refused where it grows', () => {
    const { enforcer, datapath, before } = full();
    const ports = Array.from({ length: 12 }, (_, index) => 101 + 2 * index);
    const more = policy('more', ports)
      .replaceAll('namespace: x', 'namespace: hogs')
      .replace('app: server', 'app: hog');
    const other = state(`${world}${hog}${policy('server', [80])}`);
    enforcer.update(updateBetween(before, other));
    expect(enforcer.refusals.size).toBe(0);
    const after = state(`${world}${hog}${policy('server', [80])}${more}`);
    enforcer.update(updateBetween(other, after));
    expect(enforcer.refusals.has('NetworkPolicy/hogs/more')).toBe(true);
    expect(enforcer.refusals.has('NetworkPolicy/x/server')).toBe(false);
    expect(datapath().model.judge(flowTo(after.cluster, 80)).allowed).toBe(true);
  });

  test('keeps what it has where that would not help', () => {
    const { enforcer, datapath, before } = full();
    datapath().refuses = true;
    const after = state(`${world}${hog}${policy('server', [80])}${pod('late', '10.0.0.4')}`);
    enforcer.update(updateBetween(before, after));
    expect(enforcer.behind?.code).toBe('DATAPATH_FULL');
    expect(enforcer.refusals.size).toBe(0);
    datapath().refuses = false;
    enforcer.retryRefused();
    expect(enforcer.behind).toBeUndefined();
    expect(enforcer.refusals.size).toBe(0);
  });
});

test('a policy of which only part could be read is enforced that far, and told', () => {
  const { enforcer, datapath } = setUp();
  const { cluster, policies } = state(`${world}${policy('server', [80])}`);
  const [server] = policies;
  if (!server) throw new Error('there is one policy');
  const refusal = { code: 'POLICY_UNREADABLE', message: 'why', since: 1, enforced: 'closed' } as const;
  const { policies: _, ...rest } = updateBetween(undefined, { cluster, policies: [] });
  enforcer.update({ ...rest, policies: [[server.id, { policy: closedVersion(server), refusal }]] });
  expect(enforcer.refusals.get(server.id)).toEqual(refusal);
  expect(datapath().model.judge(flowTo(cluster, 80)).allowed).toBe(false);
  expect(enforcer.retryRefused()).toBe(false);
});

test('a datapath that is opened anew gets everything', () => {
  const { enforcer, datapath } = setUp();
  const { cluster, policies } = state(`${world}${policy('server', [80])}`);
  enforcer.update(updateBetween(undefined, { cluster, policies }));
  const first = datapath();
  enforcer.rebuild();
  expect(first.closed).toBe(true);
  expect(datapath()).not.toBe(first);
  expect(datapath().model.judge(flowTo(cluster, 80)).allowed).toBe(true);
  expect(datapath().model.judge(flowTo(cluster, 81)).allowed).toBe(false);
});

test('a datapath that can not be opened anew is not let go: it is still looked after, and takes changes', () => {
  const { enforcer, datapath, obstacle } = setUp();
  const before = state(world);
  enforcer.update(updateBetween(undefined, before));
  datapath().drifts = [{ kind: 'program', detail: 'somebody took it out of its hook' }];
  obstacle.error = new BulkheadError(failure('BPF_LOAD_FAILED', 'no memory'));
  expect(() => enforcer.rebuild()).toThrow('BPF_LOAD_FAILED');
  expect(enforcer.intact).toBe(false);
  expect([...enforcer.audit()].flat()).toHaveLength(1);
  const after = state(`${world}${policy('server', [80])}`);
  enforcer.update(updateBetween(before, after));
  expect(enforcer.behind).toBeUndefined();
  expect([datapath().closed, datapath().model.judge(flowTo(after.cluster, 81)).allowed]).toEqual([
    false,
    false,
  ]);
});

test('policies make room for a pod though no other datapath can be opened', () => {
  const policies = `${policy('large', [1, 3, 5, 7, 9])}${policy('late', [21, 23]).replace('app: server', 'app: late')}`;
  const { enforcer, datapath, obstacle } = setUp();
  enforcer.update(updateBetween(undefined, state(`${world}${policies}`)));
  datapath().portCapacity = 6;
  obstacle.error = new BulkheadError(failure('BPF_LOAD_FAILED', 'no memory'));
  const after = state(`${world}${policies}${pod('late', '10.0.0.4')}`);
  enforcer.update({ pods: after.cluster.pods });
  expect(enforcer.behind).toBeUndefined();
  expect([...enforcer.refusals.keys()]).toEqual(['NetworkPolicy/x/large']);
});

test('whatever is refused, the tables are those of the policies that it says it enforces', () => {
  fc.assert(
    fc.property(
      arbitraryHistory,
      fc.array(fc.nat({ max: 12 }), { minLength: 12, maxLength: 12 }),
      fc.nat({ max: 16 }),
      fc.array(arbitraryFlowSeed, { minLength: 10, maxLength: 10 }),
      (history, capacities, limit, seeds) => {
        const { enforcer, datapath } = setUp(new TableGrowth({ bytesOf: portsOf, limit }));
        let before: PolicedCluster | undefined;
        for (const [index, now] of history.entries()) {
          datapath().portCapacity = capacities[index] ?? Infinity;
          enforcer.update(updateBetween(before, now));
          before = now;
          if (enforcer.behind) continue;
          const enforced = [...enforcer.enforcedPolicies()];
          expect(new Set(enforced.map(({ id }) => id))).toEqual(new Set(now.policies.map(({ id }) => id)));
          for (const seed of seeds) {
            const flow = buildFlow(now.cluster, seed);
            const { egress, ingress } = datapath().model.judge(flow);
            if ([egress, ingress].some(({ reason }) => reason === 'unprogrammed')) continue;
            const verdict = evaluate(now.cluster, enforced, flow);
            if (egress.reason !== 'no-subject') expect(egress.allowed).toBe(verdict.egress.allowed);
            if (egress.allowed && ingress.reason !== 'no-subject')
              expect(ingress.allowed).toBe(verdict.ingress.allowed);
          }
        }
      },
    ),
    { numRuns: 100 },
  );
});
