import { expect, test } from 'vitest';
import { endpointsOf } from '../../src/lab/endpoints.ts';
import { labPaths } from '../../src/lab/paths.ts';
import { resolvePlacement } from '../../src/lab/placement.ts';
import { translatePolicies } from '../../src/dialects/translate.ts';
import { assembleCluster } from '../../src/sources/assemble.ts';
import { parseManifests } from '../../src/sources/manifests.ts';

const text = ['shop', 'ops']
  .map(
    (namespace) => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: ${namespace} }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { hostNetwork: ${namespace === 'ops'}, containers: [{ name: web, image: web, ports: [{ containerPort: 80 }, { containerPort: 81, protocol: UDP }, { containerPort: 82, protocol: SCTP }] }] }
---
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: ${namespace}-db, namespace: ${namespace} }
spec:
  selector: { matchLabels: { app: db } }
  template:
    metadata: { labels: { app: db } }
    spec: { containers: [{ name: db, image: db }] }
---`,
  )
  .join('');

const cluster = assembleCluster(parseManifests(text, 'test.yaml').objects, { families: [4, 6], nodes: 2 });
const place = (netns: string) => ({ netns, path: `/run/netns/${netns}` });
const snapshot = {
  cluster,
  pods: new Map([...cluster.pods.keys()].map((key) => [key, place(key)])),
  world: place('world'),
};

test.each([
  ['shop/web-2', 'shop/web-2'],
  ['shop/web', 'shop/web-1'],
  ['shop-db', 'shop/shop-db-0'],
  ['shop-db-0', 'shop/shop-db-0'],
  ['world', 'world'],
])('%s means %s', (who, netns) => {
  expect(resolvePlacement(snapshot, who).netns).toBe(netns);
});

test('what is unclear or unknown is told', () => {
  expect(() => resolvePlacement(snapshot, 'web')).toThrow(/could be any of: ops\/web, shop\/web/);
  expect(() => resolvePlacement(snapshot, 'shop/wep-1')).toThrow(
    /LAB_POD_NOT_FOUND[^]*Did you mean shop\/web-1/,
  );
});

test('pods serve their TCP and UDP ports, those on the network of a node only at its addresses', () => {
  const endpoints = endpointsOf('lab', cluster, translatePolicies(cluster));
  const of = (name: string) =>
    endpoints
      .filter(({ line }) => line.startsWith(`${name} `))
      .map(({ line, address }) => `${line} ${address?.family ?? '*'}`);
  expect(of('shop/web-1')).toEqual(['shop/web-1 TCP 80 *', 'shop/web-1 UDP 81 *']);
  expect(of('ops/web-1')).toEqual([
    'ops/web-1 TCP 80 4',
    'ops/web-1 TCP 80 6',
    'ops/web-1 UDP 81 4',
    'ops/web-1 UDP 81 6',
  ]);
});

test.each(['', 'A', 'a.b', '../x', '-a', 'a-', 'a'.repeat(33), 'a b'])('"%s" can not name a lab', (name) => {
  expect(() => labPaths(name)).toThrow('LAB_NAME_INVALID');
});
