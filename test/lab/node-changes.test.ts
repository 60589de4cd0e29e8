import { expect, test } from 'vitest';
import { emptyCluster, nodeChanges, withoutHeirs, withoutNodes } from '../../src/lab/node-changes.ts';
import type { Cluster } from '../../src/objects/model.ts';
import { assembleCluster } from '../../src/sources/assemble.ts';
import { parseManifests } from '../../src/sources/manifests.ts';

function clusterOf(text: string, previous?: Cluster): Cluster {
  return assembleCluster(parseManifests(text, 'test.yaml').objects, { families: [4], nodes: 1 }, previous);
}

const node = (name: string, address: string) => `
apiVersion: v1
kind: Node
metadata: { name: ${name} }
status: { addresses: [{ type: InternalIP, address: ${address} }] }
---`;

const pod = (name: string, address: string, nodeName = 'a') => `
apiVersion: v1
kind: Pod
metadata: { name: ${name} }
spec: { nodeName: ${nodeName}, containers: [{ name: c, image: c }] }
status: { phase: Running, podIP: ${address} }
---`;

const before = clusterOf(
  node('a', '172.18.0.1') + node('b', '172.18.0.2') + pod('one', '10.0.0.1') + pod('two', '10.0.0.2', 'b'),
);

test('a new lab has all nodes to make', () => {
  expect(nodeChanges(emptyCluster([4]), before)).toEqual({ retired: [], fresh: ['a', 'b'] });
});

test('a node with another address is another node', () => {
  const after = clusterOf(node('a', '172.18.0.1') + node('b', '172.18.0.9') + node('c', '172.18.0.3'));
  expect(nodeChanges(before, after)).toEqual({ retired: ['b'], fresh: ['b', 'c'] });
});

test('with a node its pods go', () => {
  const { nodes, pods } = withoutNodes(before, ['b']);
  expect([[...nodes.keys()], [...pods.keys()]]).toEqual([['a'], ['default/one']]);
});

test('pods that inherit an address wait until its holder is gone', () => {
  const nodes = node('a', '172.18.0.1') + node('b', '172.18.0.2');
  const after = clusterOf(
    nodes + pod('heir', '10.0.0.1') + pod('two', '10.0.0.2', 'b') + pod('other', '10.0.0.3'),
  );
  expect([...withoutHeirs(before, after).pods.keys()]).toEqual(['default/other', 'default/two']);
  expect(withoutHeirs(before, before)).toBe(before);
});
