import { expect, test } from 'vitest';
import { tableStats } from '../../src/analyze/table-stats.ts';
import { Compiler } from '../../src/compiler/compiler.ts';
import { fromManifests, ingressPolicy, pod } from '../compiler/cluster.ts';

const clients = ['a', 'b', 'c'].map((app, index) => pod({ name: app, app, ip: `10.244.1.${30 + index}` }));
const replicas = [1, 2].map((index) => pod({ name: `db-${index}`, app: 'db', ip: `10.244.1.${20 + index}` }));
const stranger = pod({ name: 'stranger', app: 'stranger', ip: '10.244.1.40' });

test('entries of the compiled tables, and of the two designs beside them, counted by hand', () => {
  const peers = `{ podSelector: { matchExpressions: [{ key: app, operator: In, values: [a, b, c] }] } },
    { ipBlock: { cidr: 192.0.2.0/24, except: [192.0.2.128/25] } }`;
  const rule = `[{ from: [${peers}], ports: [{ port: 80 }, { port: 443 }] }]`;
  const { cluster, policies } = fromManifests(
    ...clients,
    ...replicas,
    stranger,
    ingressPolicy('db', 'db', rule),
  );
  const stats = tableStats(cluster, policies, new Compiler().compile(cluster, policies));
  expect(stats.cluster).toEqual({ pods: 6, policies: 1, nodes: 1 });
  // Clients, and what is in the block; the hole is as good as what no rule names.
  expect(stats.program).toEqual({
    addresses: 7,
    prefixes: 2,
    identities: 2,
    sets: 1,
    setIdentities: 2,
    classes: 1,
    ports: 2,
  });
  // The clients and the block get the same from the node's only set.
  expect(stats.node).toMatchObject({ localPods: 6, addresses: 7, setIdentities: 1, ports: 2 });
  // Five label sets and two prefixes; each database allows three of the former and one of the latter, two ports each.
  expect(stats.perEndpoint).toEqual({ endpoints: 6, identities: 7, entries: 16, largest: 8 });
  // Sets: subjects (2), peers (3), blocks (1 and its hole). Rules: two ports for each kind of peer, a jump per subject.
  expect(stats.perPolicy).toEqual({ sets: 3, members: 7, rules: 6 });
});

test('what any peer may do counts once in the map of an endpoint', () => {
  const rules = `[{ ports: [{ port: 80 }] }, { from: [{ podSelector: {} }], ports: [{ port: 443 }] }]`;
  const { cluster, policies } = fromManifests(...clients, ...replicas, ingressPolicy('db', 'db', rules));
  const { perEndpoint } = tableStats(cluster, policies, new Compiler().compile(cluster, policies));
  expect(perEndpoint).toMatchObject({ endpoints: 5, identities: 4, entries: 10, largest: 5 });
});
