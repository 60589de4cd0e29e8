import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Enforcer } from '../../src/agent/enforcer.ts';
import { failureOf } from '../../src/errors.ts';
import type { Cluster } from '../../src/objects/model.ts';
import { evaluate } from '../../src/policy/evaluate.ts';
import type { Flow } from '../../src/policy/verdict.ts';
import { assembleCluster } from '../../src/sources/assemble.ts';
import { parseManifests } from '../../src/sources/manifests.ts';
import { arbitraryChange, arbitraryScenario } from '../generate/scenario.ts';
import { FakeDatapath } from './fake-datapath.ts';

/** The nodes of the generated clusters. */
const names = ['n1', 'n2'] as const;

function setUp() {
  const enforcer = new Enforcer();
  const datapaths = { n1: new FakeDatapath(), n2: new FakeDatapath() };
  for (const name of names) enforcer.addNode(name, datapaths[name]);
  const verdicts = (flows: readonly Flow[]) =>
    names.map((name) => flows.map((flow) => datapaths[name].model.judge(flow).allowed));
  return { enforcer, datapaths, verdicts };
}

function isPod(cluster: Cluster, { text }: Flow['source']): boolean {
  return cluster.pods.values().some((pod) => pod.addresses.some((address) => address.text === text));
}

test('between them the nodes enforce what the oracle says', () => {
  fc.assert(
    fc.property(arbitraryScenario, ({ cluster, policies, flows }) => {
      const { enforcer, verdicts } = setUp();
      enforcer.update(cluster);
      const [first = [], second = []] = verdicts(flows);
      for (const [index, flow] of flows.entries()) {
        // An address in a pod range that no pod has is dropped, whatever policies say.
        if (![flow.source, flow.destination].every((address) => isPod(cluster, address))) continue;
        const passes = first[index] === true && second[index] === true;
        expect(passes).toBe(evaluate(cluster, policies, flow).allowed);
      }
    }),
    { numRuns: 60 },
  );
});

test.each(names)(
  'when %s refuses, every node enforces what it did before, and goes on from there',
  (refusing) => {
    fc.assert(
      fc.property(arbitraryChange, ({ before, after, flows }) => {
        const { enforcer, datapaths, verdicts } = setUp();
        enforcer.update(before.cluster);
        const old = verdicts(flows);
        const enforced = enforcer.enforced;
        datapaths[refusing].refuses = true;
        // Twice, as a user would try again.
        const codes = [1, 2].map(() => failureOf(() => enforcer.update(after.cluster))?.code);
        const fresh = setUp();
        fresh.enforcer.update(after.cluster);
        // A node that has nothing to change does not refuse.
        const refused = codes[0] !== undefined;
        expect(codes[0] ?? 'DATAPATH_FULL').toBe('DATAPATH_FULL');
        expect(codes[1]).toBe(codes[0]);
        expect(verdicts(flows)).toEqual(refused ? old : fresh.verdicts(flows));
        expect(enforcer.enforced === enforced).toBe(refused);
        datapaths[refusing].refuses = false;
        enforcer.update(after.cluster);
        expect(verdicts(flows)).toEqual(fresh.verdicts(flows));
      }),
      { numRuns: 60 },
    );
  },
);

test('an update that changes nothing writes nothing', () => {
  fc.assert(
    fc.property(arbitraryScenario, ({ cluster }) => {
      const { enforcer, datapaths } = setUp();
      enforcer.update(cluster);
      for (const name of names) datapaths[name].refuses = true;
      enforcer.rehearse();
      expect(enforcer.update(cluster).entries).toBe(0);
    }),
    { numRuns: 20 },
  );
});

test('a node that has nothing to change is left alone when another one refuses', () => {
  const { enforcer, datapaths } = setUp();
  enforcer.update(clusterWith(80));
  const { epoch } = datapaths.n1.model;
  const third = new FakeDatapath();
  third.refuses = true;
  datapaths.n1.refuses = true;
  enforcer.addNode('n0', third);
  expect(failureOf(() => enforcer.update(clusterWith(80)))?.code).toBe('DATAPATH_FULL');
  third.refuses = false;
  expect(failureOf(() => enforcer.update(clusterWith(80)))?.code).toBeUndefined();
  expect(datapaths.n1.model.epoch).toBe(epoch);
});

test('a node that can not be brought back is told', () => {
  const [change] = fc.sample(
    arbitraryChange.filter(({ before, after }) => changesNodes(before.cluster, after.cluster)),
    { numRuns: 1, seed: 1 },
  );
  if (!change) throw new Error('no change to try');
  const { enforcer, datapaths } = setUp();
  enforcer.update(change.before.cluster);
  datapaths.n2.refuses = true;
  datapaths.n1.sweep = () => {
    throw new Error('gone');
  };
  expect(() => enforcer.update(change.after.cluster)).toThrow('ENFORCER_NODES_DIFFER');
});

test('one node that can not be brought back keeps none of the others from it, and nothing is changed any more', () => {
  const { enforcer, datapaths } = setUp();
  const third = new FakeDatapath();
  enforcer.addNode('n0', third);
  enforcer.update(clusterWith(80));
  const old = [datapaths.n2.model.tables(), third.model.tables()];
  // Nodes are asked in the order in which they came: n1, n2, n0.
  third.refuses = true;
  datapaths.n1.sweep = () => {
    throw new Error('gone');
  };
  const codes = [1, 2].map(() => failureOf(() => enforcer.update(clusterWith(81)))?.code);
  expect(codes).toEqual(['ENFORCER_NODES_DIFFER', 'ENFORCER_NODES_DIFFER']);
  datapaths.n2.model.sweep();
  expect([datapaths.n2.model.tables(), third.model.tables()]).toEqual(old);
  third.refuses = false;
  // What n1 holds is not what anybody noted: a change from there would be a change to something unknown.
  expect(failureOf(() => enforcer.update(clusterWith(80)))?.code).toBe('ENFORCER_NODES_DIFFER');
});

test('after a refused change the rules that are enforced keep their numbers', () => {
  const { enforcer, datapaths } = setUp();
  enforcer.update(clusterWith(80));
  const numbers = enforcer.enforced?.legend.rules;
  datapaths.n1.refuses = true;
  for (const port of [81, 82])
    expect(failureOf(() => enforcer.update(clusterWith(port)))?.code).toBe('DATAPATH_FULL');
  datapaths.n1.refuses = false;
  enforcer.update(clusterWith(80, 83));
  const numbered = [...(enforcer.enforced?.legend.rules ?? [])].map(([rule, origin]) => [rule, origin.name]);
  expect(new Map(numbers).size).toBe(1);
  expect(numbered).toEqual([
    [1, 'allow-80'],
    [2, 'allow-83'],
  ]);
});

/** A pod on each of n1 and n2, both with a policy `allow-PORT` per port. */
function clusterWith(...ports: readonly number[]): Cluster {
  const pod = (node: string) => `apiVersion: v1
kind: Pod
metadata: { name: on-${node}, namespace: x }
spec: { nodeName: ${node} }`;
  const policy = (port: number) => `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: allow-${port}, namespace: x }
spec: { ingress: [{ ports: [{ port: ${port} }] }] }`;
  const text = [pod('n0'), pod('n1'), pod('n2'), ...ports.map(policy)].join('\n---\n');
  return assembleCluster(parseManifests(text, 'x.yaml').objects, { families: [4], nodes: 1 });
}

/** Whether both nodes have something to do: then the first is done when the second refuses. */
function changesNodes(before: Cluster, after: Cluster): boolean {
  const { enforcer, datapaths } = setUp();
  enforcer.update(before);
  datapaths.n2.refuses = true;
  const { epoch } = datapaths.n1.model;
  try {
    enforcer.update(after);
    return false;
  } catch {
    return datapaths.n1.model.epoch > epoch;
  }
}
