import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { deltaSize } from '../../../src/compiler/delta.ts';
import type { Pod } from '../../../src/objects/model.ts';
import { evaluate } from '../../../src/policy/evaluate.ts';
import { isUnprogrammed } from '../../generate/flow.ts';
import { arbitraryChange, arbitraryHistory } from '../../generate/scenario.ts';
import { fromManifests, ingressPolicy, pod } from '../cluster.ts';
import { Followed, nodes } from './followed.ts';
import type { State } from './followed.ts';

const options = { spareSets: 2 };

test('with spare sets every address is seen by every pod as without, and nodes hold nothing else', () => {
  fc.assert(
    fc.property(arbitraryHistory, (states) => {
      const followed = new Followed(nodes, options);
      for (const state of states) {
        followed.move(state);
        const [held, wanted] = [followed.held(), followed.wanted(state)];
        expect(held.map(({ tables }) => tables.addresses)).toEqual(
          wanted.map(({ tables }) => tables.addresses),
        );
        const inKernel = ({ inKernel: tables, rowsInKernel }: (typeof held)[number]) => [
          tables,
          rowsInKernel,
        ];
        expect(held.map(inKernel)).toEqual(wanted.map(inKernel));
      }
    }),
    { numRuns: 60 },
  );
});

test('once spare sets are dropped the tables are those of a fresh compile', () => {
  fc.assert(
    fc.property(arbitraryHistory, fc.infiniteStream(fc.boolean()), (states, luck) => {
      const followed = new Followed(nodes, options);
      for (const state of states) {
        followed.move(state);
        if (luck.next().value === true) continue;
        followed.compiler.dropSpares();
        followed.take(followed.compiler.deltas());
        expect(followed.held()).toEqual(followed.wanted(state));
        expect(followed.compiler.dropSpares()).toBe(false);
      }
    }),
    { numRuns: 60 },
  );
});

test('with spare sets the nodes together answer as the oracle does, on every step of every delta', () => {
  fc.assert(
    fc.property(arbitraryChange, ({ before, after, flows }) => {
      const followed = new Followed(nodes, options);
      const judgeAll = (epochs?: ReadonlyMap<string, number>) =>
        flows.map((flow) =>
          [...followed.models].every(([name, model]) => model.judge(flow, epochs?.get(name)).allowed),
        );
      const truth = ({ cluster, policies }: State) =>
        flows.map((flow) => {
          const held = ![flow.source, flow.destination].some((end) => isUnprogrammed(cluster, end));
          return held && evaluate(cluster, policies, flow).allowed;
        });
      // There and back, so that sets are spared and come back.
      for (const [from, to] of [
        [before, after],
        [after, before],
        [before, after],
      ] as const) {
        followed.move(from);
        const epochs = new Map([...followed.models].map(([name, { epoch }]) => [name, epoch]));
        expect(judgeAll()).toEqual(truth(from));
        for (const [name, delta] of followed.update(to)) {
          for (const _ of followed.models.get(name)?.applySteps(delta) ?? []) {
            expect(judgeAll(epochs)).toEqual(truth(from));
          }
        }
        followed.compiler.accept();
        expect(judgeAll()).toEqual(truth(to));
        for (const model of followed.models.values()) {
          for (const _ of model.sweepSteps()) expect(judgeAll()).toEqual(truth(to));
        }
      }
    }),
    { numRuns: 40 },
  );
});

const from = (app: string) => `[{ from: [{ podSelector: { matchLabels: { app: ${app} } } }] }]`;
const apps = ['a', 'b', 'c', 'd'];
const manifests = {
  pods: new Map(apps.map((app, index) => [app, pod({ name: app, app, ip: `10.244.0.${10 + index}` })])),
  policies: new Map(apps.map((app) => [app, ingressPolicy(app, app, from('client'))])),
};
const client = pod({ name: 'client', app: 'client', ip: '10.244.0.9' });

function stateOf(pods: readonly string[], policies: readonly string[] = apps): State {
  return fromManifests(
    client,
    ...pods.flatMap((app) => manifests.pods.get(app) ?? []),
    ...policies.flatMap((app) => manifests.policies.get(app) ?? []),
  );
}

/** Rows that the one node changes on the way through the states. */
function rowsOf(states: readonly State[]): number[] {
  const followed = new Followed(['node-1'], options);
  return states.map((each) => {
    const delta = followed.move(each).get('node-1');
    return delta ? deltaSize(delta) : 0;
  });
}

test('a pod that is replaced by its like changes a row', () => {
  expect(rowsOf([stateOf(apps), stateOf(['b', 'c', 'd']), stateOf(apps)]).slice(1)).toEqual([1, 1]);
});

test('the sets of the pods that went last are kept, and more of them as long as addresses come and go', () => {
  const gone = stateOf([]);
  const [, , busy] = rowsOf([stateOf(apps), gone, stateOf(['a'])]);
  expect(busy).toBe(1);
  const states = [stateOf(apps), gone, stateOf([]), stateOf(['a']), stateOf(['a', 'd'])];
  const [, , calm, oldest, latest] = rowsOf(states);
  expect(calm).toBeGreaterThan(0);
  expect(oldest).toBeGreaterThan(1);
  expect(latest).toBe(1);
});

test('the sets of a pod that has no address yet are there when it gets one', () => {
  const awaited = stateOf(['b']);
  const [[key, a] = []] = stateOf(['a']).cluster.pods;
  if (!key || !a) throw new Error('there is no such pod');
  const pods = (now: Pod) => ({
    ...awaited,
    cluster: { ...awaited.cluster, pods: new Map([...awaited.cluster.pods, [key, now]]) },
  });
  const [, given, comes] = rowsOf([awaited, pods({ ...a, addresses: [], phase: 'Pending' }), pods(a)]);
  expect(given).toBeGreaterThan(0);
  expect(comes).toBe(1);
  const elsewhere = pods({ ...a, addresses: [], phase: 'Pending', node: 'node-2' });
  expect(rowsOf([awaited, elsewhere])[1]).toBe(0);
});

test('a set goes with any of its policies, and with the node', () => {
  const followed = new Followed(['node-1'], options);
  for (const each of [stateOf(apps), stateOf(['b', 'c', 'd']), stateOf(['b', 'c', 'd'], ['b', 'c', 'd'])]) {
    followed.move(each);
  }
  expect(followed.compiler.dropSpares()).toBe(false);
  followed.move(stateOf(['c', 'd'], ['b', 'c', 'd']));
  followed.compiler.removeNode('node-1');
  followed.update(stateOf(['c', 'd'], ['b', 'c', 'd']));
  expect(followed.compiler.legend().sets.size).toBe(0);
});
