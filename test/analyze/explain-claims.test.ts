/** A running cluster in the moment in which its API server gives one address to several. */
import { describe, expect, test } from 'vitest';
import { explain } from '../../src/analyze/explain.ts';
import type { Cluster, Pod } from '../../src/objects/model.ts';
import { clusterOf } from './cluster-of.ts';

const pod = (name: string, labels: string, ip: string) => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, namespace: shop, labels: {${labels}}}
spec: {nodeName: n1, containers: [{name: c, image: i, ports: [{name: http, containerPort: 8080}]}]}
status: {podIP: ${ip}}
---`;

const { cluster, policies } = clusterOf(`${pod('a-old', 'app: guest', '10.244.9.1')}
${pod('b-new', 'app: web', '10.244.9.2')}
${pod('cart', 'app: cart', '10.244.9.3')}
apiVersion: v1
kind: Node
metadata: {name: n1}
status: {addresses: [{type: InternalIP, address: 192.168.0.1}]}
---
apiVersion: v1
kind: Service
metadata: {name: front, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: cart, namespace: shop}
spec:
  podSelector: {matchLabels: {app: cart}}
  ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]
`);

/** The cluster in which these pods are otherwise. */
function withPods(changes: Readonly<Record<string, Partial<Pod>>>): Cluster {
  const pods = [...cluster.pods].map(([key, one]): [string, Pod] => [key, { ...one, ...changes[key] }]);
  return { ...cluster, pods: new Map(pods) };
}

const addresses = cluster.pods.get('shop/a-old')?.addresses ?? [];

const ask = (of: Cluster, from: string) => explain(of, policies, { from, to: 'shop/cart', port: '8080' });

describe('two claim one address', () => {
  const reused = withPods({ 'shop/a-old': { isEnding: true }, 'shop/b-new': { addresses } });
  const note =
    'The API server gives 10.244.9.1 to pod shop/a-old, which is being deleted, too: it is explained, and enforced, ' +
    'as that of pod shop/b-new.';

  test.each(['10.244.9.1', 'shop/b-new', 'shop/a-old'])(
    'a pod that is being deleted comes last: from %s',
    (from) => {
      const { summary, paths, notes } = ask(reused, from);
      expect(paths).toHaveLength(1);
      expect(paths[0]?.source).toMatchObject({ kind: 'pod', pod: { key: 'shop/b-new' } });
      expect(summary).toBe('all');
      expect(notes).toContain(note);
    },
  );

  test('the other end likewise', () => {
    const { paths, notes } = explain(reused, policies, { from: 'shop/cart', to: '10.244.9.1', port: 'http' });
    expect(paths[0]?.destination).toMatchObject({ kind: 'pod', pod: { key: 'shop/b-new' } });
    expect(notes).toContain(note);
  });

  test('behind a Service is the pod that holds the address', () => {
    const service = [...cluster.services.values()][0];
    const [port] = service?.ports ?? [];
    const [address] = addresses;
    if (!service || !port || !address) throw new Error('no Service');
    const backends = [{ address, port: 8080, pod: 'shop/a-old' }];
    const endpoints = [{ service: service.key, port, backends }];
    const { paths } = explain({ ...reused, endpoints }, policies, {
      from: 'shop/cart',
      to: 'shop/front',
      port: '80',
    });
    expect(paths.map(({ destinations }) => destinations)).toEqual([['shop/b-new']]);
  });

  test('of two that stay the first by name has it, in whatever order they are listed', () => {
    const both = withPods({ 'shop/b-new': { addresses } });
    const backwards = { ...both, pods: new Map([...both.pods].reverse()) };
    for (const order of [both, backwards]) {
      const { summary, paths, notes } = ask(order, '10.244.9.1');
      expect(paths[0]?.source).toMatchObject({ kind: 'pod', pod: { key: 'shop/a-old' } });
      expect(summary).toBe('none');
      expect(notes).toContain(
        'The API server gives 10.244.9.1 to pod shop/b-new, too: it is explained, and enforced, as that of pod shop/a-old.',
      );
    }
  });

  test('pods come before nodes, and a node before none', () => {
    const node = cluster.nodes.get('n1');
    if (!node) throw new Error('no node');
    const clash: Cluster = { ...cluster, nodes: new Map([['n1', { ...node, addresses }]]) };
    const { paths, notes } = ask(clash, '10.244.9.1');
    expect(paths[0]?.source).toMatchObject({ kind: 'pod', pod: { key: 'shop/a-old' } });
    expect(notes).toContain(
      'The API server gives 10.244.9.1 to node n1, too: it is explained, and enforced, as that of pod shop/a-old.',
    );
  });

  test('one that has ended, or whose network is the node’s, claims nothing', () => {
    const ended = withPods({ 'shop/a-old': { phase: 'Succeeded' }, 'shop/b-new': { addresses } });
    const host = withPods({ 'shop/a-old': { hostNetwork: true }, 'shop/b-new': { addresses } });
    for (const one of [ended, host]) {
      const { paths, notes } = ask(one, '10.244.9.1');
      expect(paths[0]?.source).toMatchObject({ kind: 'pod', pod: { key: 'shop/b-new' } });
      expect(notes).toEqual([]);
    }
  });
});
