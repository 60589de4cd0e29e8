/** Cases that generated clusters meet too rarely to rely on. */
import { expect, test } from 'vitest';
import { Compiler } from '../../src/compiler/compiler.ts';
import { lookup } from '../../src/compiler/lookup.ts';
import { nodeTables } from '../../src/compiler/node-tables.ts';
import type { Program } from '../../src/compiler/program.ts';
import { unprogrammedIdentity } from '../../src/compiler/tables.ts';
import { evaluate } from '../../src/policy/evaluate.ts';
import type { Policy } from '../../src/policy/ir.ts';
import { address, cidr } from '../generate/universe.ts';
import { fromManifests, ingressPolicy, pod } from './cluster.ts';
import type { State } from './cluster.ts';

const web = pod({ name: 'web', app: 'web', ip: '10.244.1.10' });
const db = pod({ name: 'db', app: 'db', ip: '10.244.1.20' });
const ports = (number: number) => `ports: [{ name: http, containerPort: ${number} }]`;
const withPort = (text: string, number: number) =>
  text.replace('image: main', `image: main, ${ports(number)}`);

function tcp(from: string, to: string, port: number) {
  return { source: address(from), destination: address(to), protocol: 6, port };
}

/** What the program says, after making sure that the oracle says the same. */
function allowed({ cluster, policies }: State, program: Program, flow: ReturnType<typeof tcp>): boolean {
  const verdict = lookup(program, flow).allowed;
  expect(verdict).toBe(evaluate(cluster, policies, flow).allowed);
  return verdict;
}

test('one port name with different numbers on pods that are otherwise alike: only the pairs of pod and number', () => {
  const policy = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: out, namespace: shop }
spec:
  podSelector: { matchLabels: { app: web } }
  policyTypes: [Egress]
  egress: [{ ports: [{ port: http }] }]`;
  const state = fromManifests(
    web,
    withPort(pod({ name: 'db-1', app: 'db', ip: '10.244.1.21' }), 8001),
    withPort(pod({ name: 'db-2', app: 'db', ip: '10.244.1.22' }), 8002),
    policy,
  );
  const program = new Compiler().compile(state.cluster, state.policies);
  const reached = ['10.244.1.21', '10.244.1.22'].flatMap((to) =>
    [8001, 8002]
      .filter((port) => allowed(state, program, tcp('10.244.1.10', to, port)))
      .map((port) => `${to}:${port}`),
  );
  expect(reached).toEqual(['10.244.1.21:8001', '10.244.1.22:8002']);
});

test('an identity may get less than all others do', () => {
  const { cluster, policies } = fromManifests(
    web,
    db,
    ingressPolicy('only', 'db', '[{ from: [{ podSelector: { matchLabels: { app: web } } }] }, {}]'),
  );
  const [passOn, allowAll] = policies[0]?.ingress?.rules ?? [];
  if (!policies[0]?.ingress || !passOn || !allowAll) throw new Error('two rules expected');
  const first: Policy = {
    ...policies[0],
    id: 'first',
    tier: 1,
    ingress: { ...policies[0].ingress, default: 'next', rules: [{ ...passOn, action: 'pass' }, allowAll] },
  };
  const last: Policy = {
    ...policies[0],
    id: 'last',
    tier: 2,
    ingress: { ...policies[0].ingress, rules: [] },
  };
  const state = { cluster, policies: [first, last] };
  const program = new Compiler().compile(cluster, state.policies);
  expect(allowed(state, program, tcp('10.244.1.10', '10.244.1.20', 80))).toBe(false);
  expect(allowed(state, program, tcp('192.0.2.1', '10.244.1.20', 80))).toBe(true);
});

test('inside a pod range no block has a say about addresses that nobody has', () => {
  const state = fromManifests(
    db,
    ingressPolicy(
      'db',
      'db',
      '[{ from: [{ ipBlock: { cidr: 10.0.0.0/8 } }, { ipBlock: { cidr: 10.244.1.0/30 } }] }]',
    ),
  );
  const program = new Compiler().compile(state.cluster, state.policies);
  const { cidrs } = nodeTables(program, 'node-1', [cidr('10.244.1.0/24')]);
  expect([...cidrs].map(([text, { identity }]) => [text, identity === unprogrammedIdentity])).toEqual([
    ['10.0.0.0/8', false],
    ['10.244.1.0/24', true],
  ]);
});

test('a class is found again however long nothing about it changed', () => {
  const pods = [
    web,
    ...['db-1', 'db-2'].map((name, index) =>
      pod({ name, app: 'db', ip: `10.244.1.2${index}` }).replace('app: db', `app: db, name: ${name}`),
    ),
  ];
  const shared = ingressPolicy('db', 'db', '[{ from: [{ podSelector: { matchLabels: { app: web } } }] }]');
  const other = ingressPolicy(
    'other',
    'db',
    '[{ from: [{ podSelector: { matchLabels: { app: db } } }] }]',
  ).replace('app: db }', 'name: db-2 }');
  const [quiet, changed] = [fromManifests(...pods, shared), fromManifests(...pods, shared, other)];
  const compiler = new Compiler();
  const before = [quiet, quiet, quiet, quiet]
    .map(({ cluster, policies }) => compiler.compile(cluster, policies))
    .at(-1);
  const after = compiler.compile(changed.cluster, changed.policies);
  expect(after.sets.size).toBe(2);
  expect([...(before?.classes.keys() ?? [])].every((id) => after.classes.has(id))).toBe(true);
  expect(new Set(after.classes.values().map((entry) => JSON.stringify(entry.ports))).size).toBe(
    after.classes.size,
  );
});
