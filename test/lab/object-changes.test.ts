import { describe, expect, test } from 'vitest';
import {
  applyObjects,
  deleteObjects,
  displayKey,
  labelObject,
  scaleObject,
  withoutStrayLabels,
} from '../../src/lab/object-changes.ts';
import { resolveKey } from '../../src/lab/object-keys.ts';
import type { Objects } from '../../src/lab/protocol.ts';
import { assembleCluster } from '../../src/sources/assemble.ts';
import { parseManifests } from '../../src/sources/manifests.ts';

const text = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: web }] }
---
apiVersion: v1
kind: Pod
metadata: { name: client, namespace: shop, labels: { app: client } }
spec: { containers: [{ name: client, image: client }] }
---
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: agent, namespace: ops }
spec:
  selector: { matchLabels: { app: agent } }
  template:
    metadata: { labels: { app: agent } }
    spec: { containers: [{ name: agent, image: agent }] }
`;

const objects = parseManifests(text, 'test.yaml').objects;
const clusterOf = (some: Objects) => assembleCluster(some, { families: [4], nodes: 2 });

describe('apply', () => {
  test('tells what is new, changed, and the same (wherever it stands now)', () => {
    const moved = parseManifests(`\n\n${text}`, 'moved.yaml').objects;
    const replaced = parseManifests(
      text.replace('replicas: 2', 'replicas: 3').replace('name: client,', 'name: new,'),
      'x',
    ).objects;
    expect(applyObjects(objects, moved).changes.map(({ change }) => change)).toEqual([
      'unchanged',
      'unchanged',
      'unchanged',
    ]);
    expect(applyObjects(objects, moved).objects.get('Pod/shop/client')?.position.file).toBe('moved.yaml');
    expect(applyObjects(objects, replaced).changes).toEqual([
      { key: 'Deployment/shop/web', change: 'changed' },
      { key: 'Pod/shop/new', change: 'created' },
      { key: 'DaemonSet/ops/agent', change: 'unchanged' },
    ]);
  });
});

describe('delete', () => {
  test('takes objects away, a namespace with all that is in it', () => {
    expect([...deleteObjects(objects, ['Pod/shop/client']).objects.keys()]).toEqual([
      'Deployment/shop/web',
      'DaemonSet/ops/agent',
    ]);
    expect([...deleteObjects(objects, ['Namespace//shop']).objects.keys()]).toEqual(['DaemonSet/ops/agent']);
  });

  test('names everything that is not there, with a guess, and deletes nothing', () => {
    const deletion = () =>
      deleteObjects(objects, ['Pod/shop/cliemt', 'Pod/shop/client', 'Namespace//nowhere']);
    expect(deletion).toThrow(
      /no Pod shop\/cliemt[^]*Did you mean Pod shop\/client\?[^]*no Namespace nowhere/,
    );
  });
});

describe('label', () => {
  const label = (kind: 'Pod' | 'Namespace', name: string, some = objects) =>
    labelObject(some, clusterOf(some), { op: 'label', kind, name, set: { tier: 'front' }, remove: ['app'] });

  test('of a declared pod', () => {
    const { objects: next, changes } = label('Pod', 'shop/client');
    expect(changes).toEqual([{ key: 'Pod/shop/client', change: 'changed' }]);
    expect(clusterOf(next).pods.get('shop/client')?.labels).toEqual({ tier: 'front' });
  });

  test('of a pod that a controller makes: that one only, and it stays', () => {
    const once = label('Pod', 'shop/web-1').objects;
    const twice = labelObject(once, clusterOf(once), {
      op: 'label',
      kind: 'Pod',
      name: 'shop/web-1',
      set: { more: 'x' },
      remove: [],
    });
    const { pods } = clusterOf(twice.objects);
    expect(pods.get('shop/web-1')?.labels).toEqual({ tier: 'front', more: 'x' });
    expect(pods.get('shop/web-2')?.labels).toEqual({ app: 'web' });
    expect(displayKey(twice.changes[0]?.key ?? '')).toBe('Pod shop/web-1');
  });

  test('goes with its pod: the next of that name has the labels of its template', () => {
    const labelled = label('Pod', 'shop/web-2').objects;
    const scaled = (some: Objects, replicas: number): Objects => {
      const next = scaleObject(some, { op: 'scale', key: 'Deployment/shop/web', replicas }).objects;
      return withoutStrayLabels(next, clusterOf(next));
    };
    expect(clusterOf(scaled(labelled, 3)).pods.get('shop/web-2')?.labels).toEqual({ tier: 'front' });
    expect(clusterOf(scaled(scaled(labelled, 1), 2)).pods.get('shop/web-2')?.labels).toEqual({ app: 'web' });
  });

  test('of a namespace that only its objects declare', () => {
    const { objects: next } = label('Namespace', 'shop');
    expect(clusterOf(next).namespaces.get('shop')?.labels).toEqual({
      'kubernetes.io/metadata.name': 'shop',
      tier: 'front',
    });
  });

  test.each([
    ['Pod', 'shop/wep-1'],
    ['Namespace', 'shpo'],
  ] as const)('of a %s that is not there', (kind, name) => {
    expect(() => label(kind, name)).toThrow(/LAB_OBJECT_NOT_FOUND[^]*Did you mean/);
  });
});

describe('scale', () => {
  const scale = (key: string, replicas: number) => scaleObject(objects, { op: 'scale', key, replicas });

  test('changes the number of pods', () => {
    const { pods } = clusterOf(scale('Deployment/shop/web', 3).objects);
    expect([...pods.keys()].filter((key) => key.startsWith('shop/web'))).toEqual([
      'shop/web-1',
      'shop/web-2',
      'shop/web-3',
    ]);
    expect(scale('Deployment/shop/web', 2).changes).toEqual([
      { key: 'Deployment/shop/web', change: 'unchanged' },
    ]);
  });

  test('refuses what has no replicas, or is not there', () => {
    expect(() => scale('DaemonSet/ops/agent', 3)).toThrow('LAB_NOT_SCALABLE');
    expect(() => scale('Pod/shop/client', 3)).toThrow('LAB_NOT_SCALABLE');
    expect(() => scale('Deployment/shop/wep', 3)).toThrow('LAB_OBJECT_NOT_FOUND');
  });
});

test.each([
  ['netpol/cart', 'NetworkPolicy/default/cart'],
  ['netpol/shop/cart', 'NetworkPolicy/shop/cart'],
  ['NetworkPolicies/cart', 'NetworkPolicy/default/cart'],
  ['deployments/cart', 'Deployment/default/cart'],
  ['DEPLOY/cart', 'Deployment/default/cart'],
  ['ns/shop', 'Namespace//shop'],
  ['no/node-1', 'Node//node-1'],
])('%s names %s', (name, key) => {
  expect(resolveKey(name, 'default')).toBe(key);
});

test.each(['cart', 'netpol/', 'netpol/a/b/c', 'nepol/cart', ''])('"%s" names nothing', (name) => {
  expect(() => resolveKey(name, 'default')).toThrow('LAB_OBJECT_NAME');
});
