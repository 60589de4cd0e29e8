import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BulkheadError } from '../../src/errors.ts';
import { cidrContains, type IpFamily } from '../../src/objects/ip.ts';
import type { Cluster, Pod } from '../../src/objects/model.ts';
import { assemble, pod, stream, workload } from './assembled.ts';

const texts = (items: readonly { text: string }[] | undefined): string[] =>
  (items ?? []).map(({ text }) => text);
const ips = (cluster: Cluster, key: string): string[] => texts(cluster.pods.get(key)?.addresses);

function errorsOf(text: string): string[] {
  try {
    assemble(text);
    return [];
  } catch (error) {
    if (error instanceof BulkheadError)
      return error.diagnostics.map(({ code, message }) => `${code} ${message}`);
    throw error;
  }
}

const node = (name: string, status = '{}', spec = '{}'): string =>
  `apiVersion: v1\nkind: Node\nmetadata: { name: ${name}, labels: { zone: a } }\nspec: ${spec}\nstatus: ${status}`;

describe('namespaces', () => {
  test('declared ones keep their labels, others exist because something is in them', () => {
    const text = stream(
      'apiVersion: v1\nkind: Namespace\nmetadata: { name: shop, labels: { team: a, kubernetes.io/metadata.name: lie } }',
      pod('a', { metadata: ', namespace: shop' }),
      pod('b', { metadata: ', namespace: other' }),
      'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: { name: p }',
    );
    expect([...assemble(text).namespaces.values()]).toEqual([
      { name: 'default', labels: { 'kubernetes.io/metadata.name': 'default' } },
      { name: 'other', labels: { 'kubernetes.io/metadata.name': 'other' } },
      {
        name: 'shop',
        labels: { team: 'a', 'kubernetes.io/metadata.name': 'shop' },
        position: { file: 'test.yaml', line: 1, column: 1 },
      },
    ]);
  });
});

describe('nodes', () => {
  test('are simulated where none is declared', () => {
    const { nodes } = assemble(pod('a'), { families: [4, 6], nodes: 3 });
    expect(
      [...nodes.values()].map(({ name, addresses, podCIDRs }) => [name, texts(addresses), texts(podCIDRs)]),
    ).toEqual([
      ['node-1', ['172.18.0.1', 'fd00:172:18::1'], ['10.244.1.0/24', 'fd00:10:244:1::/64']],
      ['node-2', ['172.18.0.2', 'fd00:172:18::2'], ['10.244.2.0/24', 'fd00:10:244:2::/64']],
      ['node-3', ['172.18.0.3', 'fd00:172:18::3'], ['10.244.3.0/24', 'fd00:10:244:3::/64']],
    ]);
  });

  test('are those declared, with what they leave open filled in', () => {
    const status =
      '{ addresses: [{ type: Hostname, address: a }, { type: InternalIP, address: 172.18.0.1 }] }';
    const cluster = assemble(stream(node('a', status, '{ podCIDR: 10.1.0.0/24 }'), node('b'), pod('x')));
    expect([...cluster.nodes.values()]).toMatchObject([
      { name: 'a', labels: { zone: 'a' }, position: { line: 1 } },
      { name: 'b', position: { line: 7 } },
    ]);
    expect(texts(cluster.nodes.get('a')?.addresses)).toEqual(['172.18.0.1']);
    expect(texts(cluster.nodes.get('a')?.podCIDRs)).toEqual(['10.1.0.0/24']);
    expect(texts(cluster.nodes.get('b')?.addresses)).toEqual(['172.18.0.2']);
  });

  test('that pods name are simulated, with the address that the pod tells', () => {
    const status = '{ hostIP: 192.168.0.7, podIP: 10.1.2.3 }';
    const cluster = assemble(stream(pod('a', { spec: '{ nodeName: worker }', status }), pod('b')));
    expect([...cluster.nodes.keys()]).toEqual(['node-1', 'worker']);
    expect(texts(cluster.nodes.get('worker')?.addresses)).toEqual(['192.168.0.7']);
    expect(cluster.pods.get('default/a')?.node).toBe('worker');
  });

  test('are added when the pods are too many', () => {
    const { nodes, pods } = assemble(workload({ spec: 'replicas: 1000, ' }));
    expect(nodes.size).toBe(5);
    expect(new Set([...pods.values()].flatMap(({ addresses }) => texts(addresses))).size).toBe(1000);
  });

  test('a declared node that is full is an error', () => {
    const small = node('a', '{}', '{ podCIDR: 10.1.0.0/29 }');
    expect(errorsOf(stream(small, workload({ spec: 'replicas: 5, ' })))).toEqual([]);
    expect(errorsOf(stream(small, workload({ spec: 'replicas: 6, ' })))).toEqual([
      'POD_ADDRESSES_EXHAUSTED no address is left for pod default/cart-6 on any node',
    ]);
  });

  test('a pod that is free to move goes to a node with room', () => {
    const text = stream(
      node('a', '{}', '{ podCIDR: 10.1.0.0/29 }'),
      node('b', '{}', '{ podCIDR: 10.2.0.0/24 }'),
      workload({ spec: 'replicas: 50, ' }),
    );
    const onA = [...assemble(text).pods.values()].filter((each) => each.node === 'a');
    expect(onA).toHaveLength(5);
  });

  test('replicas are spread', () => {
    const { pods } = assemble(workload({ spec: 'replicas: 6, ' }), { nodes: 3 });
    const perNode = Map.groupBy(pods.values(), (each) => each.node);
    expect([...perNode.values()].map(({ length }) => length)).toEqual([2, 2, 2]);
  });
});

describe('pod addresses', () => {
  test('are those of the status', () => {
    const cluster = assemble(
      stream(
        pod('a', { status: '{ podIP: 10.1.0.5 }' }),
        pod('b', { status: '{ podIPs: [{ ip: 10.1.0.6 }, { ip: "fd00::6" }], podIP: 10.1.0.6 }' }),
      ),
      { families: [4, 6] },
    );
    expect(ips(cluster, 'default/a')).toEqual(['10.1.0.5']);
    expect(ips(cluster, 'default/b')).toEqual(['10.1.0.6', 'fd00::6']);
  });

  test('of families that the cluster has not are replaced', () => {
    const cluster = assemble(pod('a', { status: '{ podIP: 10.1.0.5 }' }), { families: [6] });
    expect(ips(cluster, 'default/a')).toEqual([expect.stringMatching(/^fd00:10:244:/)]);
  });

  test.each(['Succeeded', 'Failed'])('%s pods have none', (phase) => {
    const cluster = assemble(pod('a', { status: `{ phase: ${phase}, podIP: 10.1.0.5 }` }));
    expect(cluster.pods.get('default/a')).toMatchObject({ phase, addresses: [] });
  });

  test('hostNetwork pods have those of their node', () => {
    const spec = '{ hostNetwork: true, nodeName: worker }';
    const cluster = assemble(stream(pod('a', { spec }), pod('b', { spec, status: '{ podIP: 1.2.3.4 }' })));
    expect(ips(cluster, 'default/a')).toEqual(texts(cluster.nodes.get('worker')?.addresses));
    expect(ips(cluster, 'default/b')).toEqual(texts(cluster.nodes.get('worker')?.addresses));
  });

  test('that are allocated avoid every address that is given', () => {
    const free = assemble(pod('a'));
    const [taken] = ips(free, 'default/a');
    const clash = assemble(stream(pod('a'), pod('z', { status: `{ podIP: ${taken} }` })));
    expect(ips(clash, 'default/z')).toEqual([taken]);
    expect(ips(clash, 'default/a')).not.toEqual([taken]);
  });

  test('are different, within the range of their node, and never its first or last', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.constantFrom<readonly IpFamily[]>([4], [6], [4, 6]),
        (replicas, families) => {
          const cluster = assemble(workload({ spec: `replicas: ${replicas}, ` }), {
            families,
          });
          const all = [...cluster.pods.values()].flatMap(({ addresses }) => texts(addresses));
          expect(new Set(all).size).toBe(replicas * families.length);
          for (const each of cluster.pods.values()) expectInRange(cluster, each);
        },
      ),
      { numRuns: 20 },
    );
  });

  function expectInRange(cluster: Cluster, each: Pod): void {
    const ranges = cluster.nodes.get(each.node)?.podCIDRs ?? [];
    for (const address of each.addresses) {
      const range = ranges.find((cidr) => cidrContains(cidr, address));
      expect(range).toBeDefined();
      const offset = Number(address.bits - (range?.bits ?? 0n));
      expect(offset).toBeGreaterThan(1);
      expect(offset).toBeLessThan(address.family === 4 ? 255 : 65_535);
    }
  }
});

describe('address clashes', () => {
  test.each([
    [
      'two pods',
      stream(pod('a', { status: '{ podIP: 10.1.0.5 }' }), pod('b', { status: '{ podIP: 10.1.0.5 }' })),
      'ADDRESS_CLASH Pod default/b and Pod default/a (test.yaml:1:1) both have the address 10.1.0.5',
    ],
    [
      'a pod and a node',
      stream(
        node('worker', '{ addresses: [{ type: InternalIP, address: 10.1.0.5 }] }'),
        pod('a', { status: '{ podIP: 10.1.0.5 }' }),
      ),
      'ADDRESS_CLASH Pod default/a and Node worker (test.yaml:1:1) both have the address 10.1.0.5',
    ],
    [
      'two Services',
      stream(
        'apiVersion: v1\nkind: Service\nmetadata: { name: a }\nspec: { clusterIP: 10.96.0.9 }',
        'apiVersion: v1\nkind: Service\nmetadata: { name: b }\nspec: { clusterIP: 10.96.0.9 }',
      ),
      'ADDRESS_CLASH Service default/b and Service default/a (test.yaml:1:1) both have the address 10.96.0.9',
    ],
  ])('%s', (_, text, message) => {
    expect(errorsOf(text)).toEqual([message]);
  });

  test('a finished pod clashes with nobody', () => {
    const done = pod('a', { status: '{ phase: Succeeded, podIP: 10.1.0.5 }' });
    expect(errorsOf(stream(done, pod('b', { status: '{ podIP: 10.1.0.5 }' })))).toEqual([]);
  });
});

describe('a change moves nobody', () => {
  const names = fc.uniqueArray(fc.stringMatching(/^[a-e]{1,4}$/), { minLength: 1, maxLength: 12 });
  const manifests = (apps: readonly string[], replicas: number): string =>
    stream(
      ...apps.flatMap((name) => [
        workload({ name, spec: `replicas: ${replicas}, ` }),
        `apiVersion: v1\nkind: Service\nmetadata: { name: ${name} }\nspec: { type: NodePort, ports: [{ port: 80 }] }`,
      ]),
    );

  /** Where the pods and Services of a cluster that the other one has too are. */
  const placements = (cluster: Cluster, other: Cluster): unknown[] => [
    ...[...cluster.pods.values()]
      .filter(({ key }) => other.pods.has(key))
      .map((each) => [each.key, each.node, texts(each.addresses)]),
    ...[...cluster.services.values()]
      .filter(({ key }) => other.services.has(key))
      .map(({ key, clusterIPs, ports }) => [key, texts(clusterIPs), ports]),
  ];

  test('pods, nodes and Services of the previous cluster keep what they have', () => {
    fc.assert(
      fc.property(names, names, fc.nat(3), fc.nat(3), (before, after, few, many) => {
        const options = { families: [4, 6] as const };
        const previous = assemble(manifests(before, few), { ...options, nodes: 3 });
        const next = assemble(manifests(after, many), options, previous);
        expect(placements(next, previous)).toEqual(placements(previous, next));
        expect([...next.nodes.keys()]).toEqual([...previous.nodes.keys()]);
        const all = [...next.pods.values()].flatMap(({ addresses }) => texts(addresses));
        expect(new Set(all).size).toBe(all.length);
      }),
      { numRuns: 30 },
    );
  });

  test('a freed address is not given to the next pod that comes', () => {
    const previous = assemble(workload({ name: 'old' }));
    const next = assemble(workload({ name: 'new' }), {}, previous);
    expect(ips(next, 'default/new-1')).not.toEqual(ips(previous, 'default/old-1'));
  });

  test('a pod that moves to another node gets an address there', () => {
    const previous = assemble(pod('a', { spec: '{ nodeName: node-1 }' }));
    const next = assemble(pod('a', { spec: '{ nodeName: node-2 }' }), {}, previous);
    expect(next.pods.get('default/a')?.node).toBe('node-2');
    expect(ips(next, 'default/a')[0]).toMatch(/^10\.244\.2\./);
  });

  test('a pod that finishes gives its address up, one that no longer uses the host network gets one', () => {
    const running = assemble(pod('a'));
    expect(ips(assemble(pod('a', { status: '{ phase: Failed }' }), {}, running), 'default/a')).toEqual([]);
    const host = assemble(pod('a', { spec: '{ hostNetwork: true }' }));
    expect(ips(assemble(pod('a'), {}, host), 'default/a')[0]).toMatch(/^10\.244\./);
  });

  test('an address that a manifest now claims is left to it', () => {
    const previous = assemble(pod('a'));
    const [taken] = ips(previous, 'default/a');
    const next = assemble(stream(pod('a'), pod('b', { status: `{ podIP: ${taken} }` })), {}, previous);
    expect(ips(next, 'default/b')).toEqual([taken]);
    expect(ips(next, 'default/a')).not.toContain(taken);
  });

  test('equal manifests give equal clusters, in whatever order they come', () => {
    const documents = [workload({ spec: 'replicas: 3, ' }), workload({ name: 'db' }), pod('a'), pod('b')];
    const [forward, backward] = [documents, documents.toReversed()].map((list) => assemble(stream(...list)));
    const withoutPositions = (cluster: Cluster | undefined): unknown[] =>
      [...(cluster?.pods.values() ?? [])].map((each) => ({ ...each, position: undefined }));
    expect(withoutPositions(forward)).toEqual(withoutPositions(backward));
  });
});
