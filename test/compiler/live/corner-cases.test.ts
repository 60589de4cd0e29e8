/** Changes that generated histories meet too rarely: labels of namespaces, refused changes in a row, clashes. */
import { expect, test } from 'vitest';
import { Compiler } from '../../../src/compiler/compiler.ts';
import { changeBetween } from '../../../src/compiler/live/change.ts';
import { LiveCompiler } from '../../../src/compiler/live/live-compiler.ts';
import { RuleIds } from '../../../src/compiler/live/rule-ids.ts';
import { TableModel } from '../../../src/compiler/table-model.ts';
import { unprogrammedIdentity } from '../../../src/compiler/tables.ts';
import { translatePolicies } from '../../../src/dialects/translate.ts';
import type { Cluster } from '../../../src/objects/model.ts';
import { evaluate } from '../../../src/policy/evaluate.ts';
import type { Policy } from '../../../src/policy/ir.ts';
import type { Flow } from '../../../src/policy/verdict.ts';
import { assembleCluster } from '../../../src/sources/assemble.ts';
import { parseManifests } from '../../../src/sources/manifests.ts';
import { cidr } from '../../generate/universe.ts';

interface State {
  readonly cluster: Cluster;
  readonly policies: readonly Policy[];
}

const names = ['n1', 'n2'] as const;

const pod = (key: string, node: string, address: string): string => `apiVersion: v1
kind: Pod
metadata: { name: ${key.split('/')[1]}, namespace: ${key.split('/')[0]} }
spec: { nodeName: ${node} }
status: { phase: Running, podIP: ${address} }`;

const namespace = (env: string): string => `apiVersion: v1
kind: Namespace
metadata: { name: peers, labels: { env: ${env} } }`;

const policy = (key: string, spec: string): string => `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: ${key.split('/')[1]}, namespace: ${key.split('/')[0]} }
spec: ${spec}`;

const from = (label: string, port: number): string =>
  `{ from: [{ namespaceSelector: { matchLabels: { ${label} } } }], ports: [{ port: ${port} }] }`;

/** What it allows depends on the labels of the namespace that asks. */
const byEnv = policy('x/by-env', `{ ingress: [${from('env: a', 80)}, ${from('env: b', 81)}] }`);

const addresses = { client: '10.9.0.1', server: '10.9.0.2', second: '10.9.0.3', other: '10.9.0.4' } as const;

function stateOf(...documents: readonly string[]): State {
  const { objects } = parseManifests(documents.join('\n---\n'), 'test.yaml');
  const cluster = assembleCluster(objects, { families: [4], nodes: 1 });
  return { cluster, policies: translatePolicies(cluster) };
}

/** A compiler that follows, and two nodes that take its deltas or refuse them. */
class Followed {
  readonly #compiler = new LiveCompiler();
  readonly #models = names.map((name) => ({ name, model: new TableModel() }));
  #state: State | undefined;

  constructor() {
    for (const name of names) this.#compiler.addNode(name);
  }

  /** The nodes go on with what they hold. */
  refuse(next: State): void {
    this.#compiler.update(changeBetween(this.#state, next));
    this.#compiler.deltas();
    this.#state = next;
  }

  take(next: State): void {
    this.commit(next);
    for (const { model } of this.#models) model.sweep();
  }

  /** What is not needed any more is still there. */
  commit(next: State): void {
    this.#compiler.update(changeBetween(this.#state, next));
    this.#state = next;
    const deltas = this.#compiler.deltas();
    for (const { name, model } of this.#models) {
      const delta = deltas.get(name);
      if (delta) model.apply(delta);
    }
    this.#compiler.accept();
  }

  allows(flow: Flow): boolean {
    return this.#models.every(({ model }) => model.judge(flow).allowed);
  }
}

function flowsOf({ cluster }: State): Flow[] {
  const all = [...cluster.pods.values()].flatMap((each) => each.addresses);
  return all.flatMap((source) =>
    all.flatMap((destination) => [80, 81, 90].map((port) => ({ source, destination, protocol: 6, port }))),
  );
}

function expectOracle(followed: Followed, state: State): void {
  const flows = flowsOf(state);
  const wanted = flows.map((flow) => evaluate(state.cluster, state.policies, flow).allowed);
  expect(flows.map((flow) => followed.allows(flow))).toEqual(wanted);
  // Otherwise nothing would be shown.
  expect(new Set(wanted).size).toBe(2);
}

test('a namespace that gets other labels is another peer', () => {
  const followed = new Followed();
  for (const env of ['a', 'b', 'c', 'a', 'b']) {
    const state = stateOf(
      namespace(env),
      pod('peers/client', 'n2', addresses.client),
      pod('x/server', 'n1', addresses.server),
      byEnv,
    );
    followed.take(state);
    expectOracle(followed, state);
  }
});

test('a namespace that gets other labels is another subject', () => {
  const followed = new Followed();
  for (const env of ['c', 'a', 'c', 'a']) {
    const { cluster, policies } = stateOf(
      namespace(env),
      pod('peers/client', 'n2', addresses.client),
      pod('x/server', 'n1', addresses.server),
      policy('x/all', '{ policyTypes: [Ingress] }'),
      policy('peers/all', '{ policyTypes: [Ingress] }'),
    );
    const selector = { matchLabels: { env: 'a' }, matchExpressions: [] };
    const moved = policies.map((each) =>
      each.id === 'NetworkPolicy/peers/all'
        ? { ...each, subject: { ...each.subject, namespaces: { kind: 'selector', selector } as const } }
        : each,
    );
    followed.take({ cluster, policies: moved });
    expectOracle(followed, { cluster, policies: moved });
  }
});

test('refused changes in a row do not give a number that nodes know another meaning', () => {
  const base = [
    pod('peers/client', 'n2', addresses.client),
    pod('x/second', 'n2', addresses.second),
    pod('z/other', 'n1', addresses.other),
    byEnv,
  ];
  const toOther = policy('z/from-peers', `{ ingress: [${from('kubernetes.io/metadata.name: peers', 90)}] }`);
  const followed = new Followed();
  followed.take(stateOf(...base, namespace('a'), pod('x/server', 'n1', addresses.server)));
  // The set that told the client apart on n1 is gone there, but lives on elsewhere; another takes its place …
  followed.refuse(stateOf(...base, toOther, namespace('a'), pod('x/server', 'n2', addresses.server)));
  // … and comes back when the client is somebody else to it.
  const last = stateOf(...base, toOther, namespace('b'), pod('x/server', 'n1', addresses.server));
  followed.take(last);
  expectOracle(followed, last);
});

test('of two pods that claim an address the one with the smaller name has it, whoever came first', () => {
  const { cluster, policies } = stateOf(
    pod('x/a', 'n1', addresses.server),
    pod('x/b', 'n2', addresses.second),
    policy('x/none', '{ policyTypes: [Ingress] }'),
  );
  const [a, b] = [cluster.pods.get('x/a'), cluster.pods.get('x/b')];
  if (!a || !b) throw new Error('the pods are missing');
  const both = new Map([
    ['x/a', a],
    ['x/b', { ...b, addresses: a.addresses }],
  ]);
  const late = new Map([['x/b', { ...b, addresses: a.addresses }]]);
  const compiler = new LiveCompiler();
  for (const name of names) compiler.addNode(name);
  const states = [late, both, late, both].map((pods) => ({ cluster: { ...cluster, pods }, policies }));
  let before: State | undefined;
  for (const state of states) {
    compiler.update(changeBetween(before, state));
    compiler.accept();
    before = state;
    const owner = new Compiler().compile(state.cluster, policies).addresses.get(addresses.server)?.owner;
    for (const name of names) {
      const role = compiler.tables(name)?.addresses.get(addresses.server)?.value.role;
      expect(role).toBe(owner?.node === name ? 'local-pod' : 'remote');
    }
  }
});

test('a block that is a pod range within another one is no block any more', () => {
  const { cluster, policies } = stateOf(
    pod('x/server', 'n1', addresses.server),
    policy('x/inside', '{ ingress: [{ from: [{ ipBlock: { cidr: 10.7.0.0/16 } }] }] }'),
  );
  const compiler = new LiveCompiler();
  compiler.addNode('n1');
  let before: State | undefined;
  for (const podCIDRs of [[], ['10.0.0.0/8', '10.7.0.0/16'].map(cidr)]) {
    const node = { name: 'n1', labels: {}, addresses: [], podCIDRs };
    const after = { cluster: { ...cluster, nodes: new Map([['n1', node]]) }, policies };
    compiler.update(changeBetween(before, after));
    before = after;
  }
  const unprogrammed = compiler.tables('n1')?.cidrs.values().toArray();
  expect(unprogrammed).toEqual([{ cidr: cidr('10.0.0.0/8'), identity: unprogrammedIdentity }]);
});

test('the number of a rule that is gone is not given in the next update', () => {
  const rule = (name: string) => ({
    dialect: 'NetworkPolicy' as const,
    namespace: 'x',
    name,
    direction: 'ingress' as const,
    ruleIndex: 0,
    position: { file: 'test.yaml', line: 1, column: 1 },
  });
  const ids = new RuleIds();
  const added = (name: string): number | undefined => {
    ids.startUpdate();
    ids.add(rule(name));
    return [...ids.origins].find(([, origin]) => origin.name === name)?.[0];
  };
  expect(added('old')).toBe(1);
  ids.startUpdate();
  ids.remove(rule('old'));
  expect(['next', 'second', 'third'].map(added)).toEqual([2, 1, 3]);
});

test('a number does not stay where a set that goes may come back before the node has let it go', () => {
  const peers = (labels: string) => namespace('p').replace('{ env: p }', labels);
  const all = [
    pod('peers/client', 'n2', addresses.client),
    pod('t/server', 'n1', addresses.server),
    policy('t/policy', `{ ingress: [${from('env: p', 81)}] }`),
    // What keeps the set alive.
    pod('s/elsewhere', 'n2', addresses.other),
    policy('s/policy', `{ ingress: [${from('role: r', 80)}] }`),
  ];
  const here = pod('s/here', 'n1', addresses.second);
  const followed = new Followed();
  followed.take(stateOf(peers('{ env: p, role: r }'), ...all, here));
  followed.refuse(stateOf(peers('{ env: p, role: r }'), ...all));
  const state = stateOf(peers('{ env: p }'), ...all, here);
  followed.commit(state);
  expectOracle(followed, state);
});

test('a policy has more rules for one peer than a call takes arguments', () => {
  const followed = new Followed();
  const { cluster, policies } = stateOf(
    namespace('a'),
    pod('peers/client', 'n2', addresses.client),
    pod('x/server', 'n1', addresses.server),
    policy('x/by-env', `{ ingress: [${from('env: a', 80)}] }`),
  );
  const repeated = policies.map((each) => {
    const [rule] = each.ingress?.rules ?? [];
    if (!each.ingress || !rule) throw new Error('the policy has no rule');
    return { ...each, ingress: { ...each.ingress, rules: Array.from({ length: 150_000 }, () => rule) } };
  });
  followed.take({ cluster, policies: repeated });
  expectOracle(followed, { cluster, policies });
});
