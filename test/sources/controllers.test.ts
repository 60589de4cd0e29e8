import { describe, expect, test } from 'vitest';
import { parseManifests } from '../../src/sources/manifests.ts';
import { assembleCluster } from '../../src/sources/assemble.ts';
import { assemble, pod, stream, workload } from './assembled.ts';

const podKeys = (...documents: string[]): string[] => [...assemble(stream(...documents)).pods.keys()];

describe('pods as controllers make them', () => {
  test.each([
    ['Deployment', 'apps/v1', '', ['default/cart-1']],
    [
      'Deployment',
      'extensions/v1beta1',
      'replicas: 3, ',
      ['default/cart-1', 'default/cart-2', 'default/cart-3'],
    ],
    ['Deployment', 'apps/v1', 'replicas: 0, ', []],
    ['Deployment', 'apps/v1', 'replicas: null, ', ['default/cart-1']],
    ['ReplicaSet', 'apps/v1', 'replicas: 2, ', ['default/cart-1', 'default/cart-2']],
    ['ReplicationController', 'v1', 'replicas: 2, ', ['default/cart-1', 'default/cart-2']],
    ['StatefulSet', 'apps/v1', 'replicas: 2, ', ['default/cart-0', 'default/cart-1']],
    ['StatefulSet', 'apps/v1', 'replicas: 2, ordinals: { start: 5 }, ', ['default/cart-5', 'default/cart-6']],
    ['DaemonSet', 'apps/v1', '', ['default/cart-node-1', 'default/cart-node-2']],
    ['Job', 'batch/v1', '', ['default/cart-1']],
    ['Job', 'batch/v1', 'parallelism: 3, completions: 2, ', ['default/cart-1', 'default/cart-2']],
    ['Job', 'batch/v1', 'parallelism: 2, ', ['default/cart-1', 'default/cart-2']],
    ['Job', 'batch/v1', 'parallelism: 0, ', []],
    ['Job', 'batch/v1', 'suspend: true, ', []],
  ])('%s of %s with {%s}', (kind, apiVersion, spec, keys) => {
    expect(podKeys(workload({ kind, apiVersion, spec }))).toEqual(keys);
  });

  test('a CronJob has one pod, of its jobTemplate', () => {
    const cronJob = `apiVersion: batch/v1
kind: CronJob
metadata: { name: backup, namespace: shop }
spec: { schedule: "@daily", jobTemplate: { spec: { template: { metadata: { labels: { app: backup } } } } } }`;
    const [made] = assemble(cronJob).pods.values();
    expect(made).toMatchObject({
      key: 'shop/backup-1',
      labels: { app: 'backup', 'job-name': 'backup', 'batch.kubernetes.io/job-name': 'backup' },
      owner: { kind: 'CronJob', name: 'backup' },
    });
    expect(podKeys(cronJob.replace('schedule', 'suspend: true, schedule'))).toEqual([]);
  });

  test('a finished Job has none', () => {
    const status = 'status: { conditions: [{ type: Complete, status: "True" }] }';
    expect(podKeys(`${workload({ kind: 'Job', apiVersion: 'batch/v1' })}\n${status}`)).toEqual([]);
  });

  test('labels that the StatefulSet controller adds', () => {
    const [made] = assemble(workload({ kind: 'StatefulSet', name: 'db' })).pods.values();
    expect(made?.labels).toEqual({
      app: 'db',
      'statefulset.kubernetes.io/pod-name': 'db-0',
      'apps.kubernetes.io/pod-index': '0',
    });
  });

  test('owner, namespace, position, ports and phase', () => {
    const spec = `{ containers: [{ ports: [{ name: http, containerPort: 8080 }, { containerPort: 53, protocol: UDP }] }],
      initContainers: [{ ports: [{ containerPort: 1 }] }, { restartPolicy: Always, ports: [{ containerPort: 2 }] }] }`;
    const text = stream(pod('first'), workload({ metadata: ', namespace: shop', pod: spec }));
    expect(assemble(text).pods.get('shop/cart-1')).toMatchObject({
      namespace: 'shop',
      name: 'cart-1',
      owner: { kind: 'Deployment', name: 'cart' },
      position: { file: 'test.yaml', line: 7, column: 1 },
      phase: 'Running',
      hostNetwork: false,
      ports: [
        { name: 'http', containerPort: 8080, protocol: 'TCP' },
        { containerPort: 53, protocol: 'UDP' },
        { containerPort: 2, protocol: 'TCP' },
      ],
    });
  });
});

test('a mistyped number of replicas is refused', () => {
  const text = stream(pod('a'), workload({ spec: 'replicas: 2000000000, ' }));
  expect(() => assemble(text)).toThrow(/test\.yaml:7:1: error PODS_TOO_MANY/);
});

describe('names stay unique', () => {
  test('declared pods keep their names, then StatefulSets', () => {
    const { pods } = assemble(
      stream(
        workload({ spec: 'replicas: 2, ' }),
        workload({ kind: 'StatefulSet', spec: 'replicas: 2, ' }),
        pod('cart-2'),
      ),
    );
    expect(pods.size).toBe(5);
    expect(pods.get('default/cart-0')?.owner?.kind).toBe('StatefulSet');
    expect(pods.get('default/cart-1')?.owner?.kind).toBe('StatefulSet');
    expect(pods.get('default/cart-2')?.owner).toBeUndefined();
    const deployed = [...pods.values()].filter(({ owner }) => owner?.kind === 'Deployment');
    expect(deployed.map(({ name }) => name)).toEqual([
      expect.stringMatching(/^cart-1-[0-9a-z]+$/),
      expect.stringMatching(/^cart-2-[0-9a-z]+$/),
    ]);
  });

  test('workloads of different kinds and one name', () => {
    const keys = podKeys(
      workload(),
      workload({ kind: 'Job', apiVersion: 'batch/v1' }),
      workload({ kind: 'ReplicaSet' }),
    );
    expect(keys).toHaveLength(3);
    expect(keys).toContain('default/cart-1');
  });

  test('the pod of a DaemonSet whose name is taken', () => {
    expect(podKeys(workload({ kind: 'DaemonSet' }), pod('cart-node-1'))).toEqual([
      'default/cart-node-1',
      expect.stringMatching(/^default\/cart-node-1-/),
      'default/cart-node-2',
    ]);
  });
});

describe('pods that are there win over those that would be made', () => {
  const owned = (kind: string, name: string): string =>
    `, ownerReferences: [{ kind: ${kind}, name: ${name}, controller: true }]`;

  test('Deployment, ReplicaSet and pods', () => {
    const { pods } = assemble(
      stream(
        workload({ spec: 'replicas: 3, ' }),
        workload({
          kind: 'ReplicaSet',
          name: 'cart-7d9f8',
          spec: 'replicas: 3, ',
          metadata: owned('Deployment', 'cart'),
        }),
        pod('cart-7d9f8-abcde', { metadata: owned('ReplicaSet', 'cart-7d9f8') }),
      ),
    );
    expect([...pods.keys()]).toEqual(['default/cart-7d9f8-abcde']);
    expect(pods.get('default/cart-7d9f8-abcde')?.owner).toEqual({ kind: 'Deployment', name: 'cart' });
  });

  test('a Deployment whose ReplicaSets are given: they make the pods', () => {
    const { pods } = assemble(
      stream(
        workload({ spec: 'replicas: 2, ' }),
        workload({
          kind: 'ReplicaSet',
          name: 'cart-new',
          spec: 'replicas: 2, ',
          metadata: owned('Deployment', 'cart'),
        }),
        workload({
          kind: 'ReplicaSet',
          name: 'cart-old',
          spec: 'replicas: 0, ',
          metadata: owned('Deployment', 'cart'),
        }),
      ),
    );
    expect([...pods.values()].map(({ key, owner }) => [key, owner])).toEqual([
      ['default/cart-new-1', { kind: 'Deployment', name: 'cart' }],
      ['default/cart-new-2', { kind: 'Deployment', name: 'cart' }],
    ]);
  });

  test('a Deployment and its pods without the ReplicaSet between', () => {
    const metadata = `, labels: { pod-template-hash: 7d9f8 }${owned('ReplicaSet', 'cart-7d9f8')}`;
    const { pods } = assemble(stream(workload(), pod('cart-7d9f8-abcde', { metadata })));
    expect([...pods.values()].map(({ owner }) => owner)).toEqual([{ kind: 'Deployment', name: 'cart' }]);
  });

  test('a CronJob and a pod of one of its Jobs', () => {
    const cronJob = `apiVersion: batch/v1
kind: CronJob
metadata: { name: backup }
spec: { jobTemplate: { spec: { template: {} } } }`;
    const { pods } = assemble(
      stream(cronJob, pod('backup-28394400-x', { metadata: owned('Job', 'backup-28394400') })),
    );
    expect([...pods.values()].map(({ owner }) => owner)).toEqual([{ kind: 'CronJob', name: 'backup' }]);
  });

  test('an owner of the same name in another namespace does not count', () => {
    const elsewhere = pod('x', { metadata: `, namespace: other${owned('StatefulSet', 'db')}` });
    expect(podKeys(workload({ kind: 'StatefulSet', name: 'db' }), elsewhere)).toEqual([
      'default/db-0',
      'other/x',
    ]);
  });

  test('owners in a circle end nowhere', () => {
    const a = workload({ kind: 'ReplicaSet', name: 'a', metadata: owned('ReplicaSet', 'b') });
    const b = workload({ kind: 'ReplicaSet', name: 'b', metadata: owned('ReplicaSet', 'a') });
    expect(podKeys(a, b)).toEqual([]);
  });

  test('pods that the kubelet runs from files have no workload', () => {
    const [made] = assemble(pod('etcd-node-1', { metadata: owned('Node', 'node-1') })).pods.values();
    expect(made?.owner).toBeUndefined();
  });
});

test('labels set by hand on a pod that a controller makes', () => {
  const { objects } = parseManifests(workload({ spec: 'replicas: 2, ' }), 'test.yaml');
  const position = { file: 'label', line: 1, column: 1 };
  const changes = { app: null, role: 'canary' };
  const relabelled = new Map([
    ...objects,
    [
      'PodLabels/default/cart-2',
      { kind: 'PodLabels', namespace: 'default', name: 'cart-2', labels: {}, changes, position },
    ],
  ] as const);
  const { pods } = assembleCluster(relabelled, { families: [4], nodes: 2 });
  expect(pods.get('default/cart-1')?.labels).toEqual({ app: 'cart' });
  expect(pods.get('default/cart-2')?.labels).toEqual({ role: 'canary' });
});
