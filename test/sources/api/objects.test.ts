/** Pods, namespaces and nodes of the API, against the decoders of manifests. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RawObject } from '../../../src/kubernetes/client.ts';
import type { Pod } from '../../../src/objects/model.ts';
import { isTerminal } from '../../../src/objects/pod.ts';
import { decodeNamespace } from '../../../src/sources/api/namespace.ts';
import { decodeNode } from '../../../src/sources/api/node.ts';
import { decodePod } from '../../../src/sources/api/pod.ts';
import { Sharing } from '../../../src/sources/api/sharing.ts';
import { parseManifests } from '../../../src/sources/manifests.ts';

const labels = fc.dictionary(
  fc.constantFrom('app', 'tier', 'constructor', 'a.b/c'),
  fc.constantFrom('', 'x', '1', 'yes'),
  {
    noNullPrototype: true,
  },
);
const addresses = fc.subarray(['10.0.0.1', '10.0.0.2', 'fd00::1', '::ffff:10.0.0.3']);
const port = fc.record(
  {
    name: fc.constantFrom('http', 'dns'),
    containerPort: fc.integer({ min: 1, max: 65_535 }),
    protocol: fc.constantFrom('TCP', 'UDP', 'SCTP'),
  },
  { requiredKeys: ['containerPort'] },
);
const container = fc.record(
  {
    name: fc.constant('c'),
    ports: fc.array(port, { maxLength: 2 }),
    restartPolicy: fc.constantFrom('Always', 'Never'),
  },
  { requiredKeys: ['name'] },
);
const pod = fc.record({
  metadata: fc.record(
    {
      namespace: fc.constant('shop'),
      name: fc.constant('cart'),
      labels,
      deletionTimestamp: fc.constant('2026-11-27T06:00:00Z'),
      ownerReferences: fc.constantFrom([], [{ kind: 'Job', name: 'one', controller: true }]),
    },
    { requiredKeys: ['namespace', 'name'] },
  ),
  spec: fc.record(
    {
      nodeName: fc.constantFrom('n1', 'n2'),
      hostNetwork: fc.boolean(),
      containers: fc.array(container, { maxLength: 2 }),
      initContainers: fc.array(container, { maxLength: 2 }),
    },
    { requiredKeys: [] },
  ),
  status: fc.record(
    {
      phase: fc.constantFrom('Pending', 'Running', 'Succeeded', 'Failed', 'Unknown', 'Novel'),
      podIP: fc.constantFrom('10.0.0.9', ''),
      podIPs: addresses.map((list) => list.map((ip) => ({ ip }))),
    },
    { requiredKeys: [] },
  ),
});

describe('a pod', () => {
  test('means what a manifest of it means', () => {
    fc.assert(
      fc.property(pod, (raw) => {
        const text = JSON.stringify({ apiVersion: 'v1', kind: 'Pod', ...raw });
        const [manifest] = parseManifests(text, 'manifest').objects.values();
        if (manifest?.kind !== 'Pod') throw new Error('no pod');
        const { object, problems } = decodePod(raw, new Sharing());
        expect(problems).toEqual([]);
        expect(object).toEqual({
          key: 'shop/cart',
          namespace: manifest.namespace,
          name: manifest.name,
          labels: manifest.labels,
          node: manifest.nodeName ?? '',
          addresses: manifest.addresses,
          hostNetwork: manifest.hostNetwork,
          phase: manifest.phase,
          ...(raw.metadata.deletionTimestamp === undefined ? {} : { isEnding: true }),
          ports: manifest.ports,
          ...(manifest.controller ? { owner: manifest.controller } : {}),
          position: { file: 'pods/shop/cart', line: 1, column: 1 },
        });
      }),
      { numRuns: 1_000 },
    );
  });

  const running = {
    metadata: { namespace: 'shop', name: 'cart', labels: { app: 'cart' } },
    spec: { nodeName: 'n1', containers: [] },
    status: { phase: 'Running', podIPs: [{ ip: '10.0.0.1' }] },
  };
  const decoded = (changes: object): { object: Pod | undefined; problems: readonly string[] } => {
    const { object, problems } = decodePod({ ...running, ...changes }, new Sharing());
    return { object, problems: problems.map(({ field }) => field ?? '') };
  };

  test('that is being deleted keeps its addresses until it is gone or terminal', () => {
    const metadata = { ...running.metadata, deletionTimestamp: '2026-11-27T06:00:00Z' };
    expect(decoded({ metadata }).object?.addresses).toHaveLength(1);
    const status = { ...running.status, phase: 'Succeeded' };
    expect(decoded({ metadata, status }).object?.addresses).toEqual([]);
  });

  test('has the uid that its runtime has, and none where it can’t be read', () => {
    const metadata = { ...running.metadata, uid: 'one' };
    const annotations = { 'kubernetes.io/config.hash': 'hash' };
    expect(decoded({ metadata }).object?.uid).toBe('one');
    expect(decoded({ metadata: { ...metadata, annotations } }).object?.uid).toBe('hash');
    const unreadable = decoded({ metadata: { ...metadata, labels: { app: 1 } } });
    expect({ uid: unreadable.object?.uid, problems: unreadable.problems.length }).toEqual({
      uid: undefined,
      problems: 1,
    });
  });

  test('belongs to its Deployment rather than to the ReplicaSet between them', () => {
    const ownerReferences = [{ kind: 'ReplicaSet', name: 'cart-5d9f', controller: true }];
    const owned = { ...running.metadata, ownerReferences };
    const hashed = { ...owned, labels: { 'pod-template-hash': '5d9f' } };
    expect(decoded({ metadata: owned }).object?.owner).toEqual({ kind: 'ReplicaSet', name: 'cart-5d9f' });
    expect(decoded({ metadata: hashed }).object?.owner).toEqual({ kind: 'Deployment', name: 'cart' });
    const mirror = { ...running.metadata, ownerReferences: [{ kind: 'Node', name: 'n1', controller: true }] };
    expect(decoded({ metadata: mirror }).object?.owner).toBeUndefined();
  });

  test.each([
    ['labels', { metadata: { ...running.metadata, labels: { app: 7 } } }, 'metadata.labels.app'],
    ['labels', { metadata: { ...running.metadata, labels: 'app' } }, 'metadata.labels'],
    ['network', { spec: { ...running.spec, hostNetwork: 'true' } }, 'spec.hostNetwork'],
    [
      'addresses',
      { status: { ...running.status, podIPs: [{ ip: '10.0.0.1' }, { ip: '10.0.0' }] } },
      'status.podIPs',
    ],
    ['addresses', { status: { ...running.status, podIPs: '10.0.0.1' } }, 'status.podIPs'],
    ['phase', { status: { ...running.status, phase: 3 } }, 'status.phase'],
    ['spec', { spec: [] }, 'spec'],
  ])(
    'whose %s cannot be read has no address, so that nothing passes to it or from it',
    (_, changes, field) => {
      const { object, problems } = decoded(changes);
      expect(object?.addresses).toEqual([]);
      expect(problems).toEqual([field]);
    },
  );

  test('loses a port that cannot be read, and nothing else', () => {
    const ports = [
      { containerPort: 0 },
      { containerPort: 80, protocol: 'ICMP' },
      { containerPort: 'x' },
      { containerPort: 90 },
    ];
    const { object, problems } = decoded({ spec: { ...running.spec, containers: [{ ports }] } });
    expect(object?.ports).toEqual([{ containerPort: 90, protocol: 'TCP' }]);
    expect(object?.addresses).toHaveLength(1);
    expect(problems.length).toBeGreaterThanOrEqual(3);
  });
});

describe('a namespace', () => {
  test('has the label with its name, whatever it says itself', () => {
    const raw = { metadata: { name: 'shop', labels: { team: 'a', 'kubernetes.io/metadata.name': 'other' } } };
    expect(decodeNamespace(raw).object?.labels).toEqual({ team: 'a', 'kubernetes.io/metadata.name': 'shop' });
  });

  test('whose labels cannot be read is not there: without them it would satisfy selectors that exclude', () => {
    const { object, problems } = decodeNamespace({ metadata: { name: 'shop', labels: { team: {} } } });
    expect(object).toBeUndefined();
    expect(problems).toHaveLength(1);
  });
});

describe('a node', () => {
  test('means what a manifest of it means', () => {
    const ranges = fc.subarray(['10.1.0.0/24', 'fd01::/64', '10.2.0.7/24']);
    const typed = fc.record({
      type: fc.constantFrom('InternalIP', 'ExternalIP', 'Hostname'),
      address: fc.constantFrom('192.0.2.1', '2001:db8::1'),
    });
    const node = fc.record({
      metadata: fc.record({ name: fc.constant('n1'), labels }),
      spec: fc.record(
        { podCIDR: fc.constantFrom('', '10.9.0.0/24'), podCIDRs: ranges },
        { requiredKeys: [] },
      ),
      status: fc.record({ addresses: fc.array(typed, { maxLength: 3 }) }, { requiredKeys: [] }),
    });
    fc.assert(
      fc.property(node, (raw) => {
        const text = JSON.stringify({ apiVersion: 'v1', kind: 'Node', ...raw });
        const [manifest] = parseManifests(text, 'manifest').objects.values();
        if (manifest?.kind !== 'Node') throw new Error('no node');
        const { object, problems } = decodeNode(raw);
        expect(problems).toEqual([]);
        const { name, labels: own, addresses: all, podCIDRs } = manifest;
        const position = { file: 'nodes/n1', line: 1, column: 1 };
        expect(object).toEqual({ name, labels: own, addresses: all, podCIDRs, position });
      }),
    );
  });
});

test('whatever an object holds, it is decoded or reported, never thrown', () => {
  const anything = fc.anything({ withNullPrototype: false, maxDepth: 3 }).map((value) => {
    const text = JSON.stringify(value, (_, inner: unknown) =>
      typeof inner === 'bigint' ? String(inner) : inner,
    );
    return text === undefined ? undefined : (JSON.parse(text) as unknown);
  });
  const object = fc.record({
    metadata: fc.oneof(
      anything,
      fc.record({ name: anything, namespace: anything, labels: anything, ownerReferences: anything }),
    ),
    spec: fc.oneof(
      anything,
      fc.record({
        nodeName: anything,
        containers: fc.array(fc.record({ ports: anything })),
        initContainers: anything,
        podCIDRs: anything,
      }),
    ),
    status: fc.oneof(
      anything,
      fc.record({ phase: anything, podIPs: fc.array(anything), addresses: fc.array(anything) }),
    ),
  });
  fc.assert(
    fc.property(object, (raw: RawObject) => {
      const { object: one, problems } = decodePod(raw, new Sharing());
      if (one && isTerminal(one.phase)) expect(one.addresses).toEqual([]);
      for (const { message } of [
        ...problems,
        ...decodeNamespace(raw).problems,
        ...decodeNode(raw).problems,
      ]) {
        expect(message.length).toBeGreaterThan(0);
      }
    }),
    { numRuns: 2_000 },
  );
});

test('equal labels, ports and names are one value in memory, and what is shared is bounded', () => {
  const sharing = new Sharing();
  const raw = (name: string): RawObject => ({
    metadata: { namespace: 'shop', name, labels: { app: 'cart' } },
    spec: { nodeName: 'n1', containers: [{ ports: [{ containerPort: 80 }] }] },
  });
  const [one, other] = [decodePod(raw('a'), sharing).object, decodePod(raw('b'), sharing).object];
  expect(one?.labels).toBe(other?.labels);
  expect(one?.ports).toBe(other?.ports);
  for (let index = 0; index < 100_000; index += 1) sharing.value({ index });
  expect(sharing.size).toBeLessThanOrEqual(32_768);
});
