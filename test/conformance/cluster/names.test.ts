import { expect, test } from 'vitest';
import { labelPatch } from '../../../src/conformance/cluster/label-patch.ts';
import { Names, podName } from '../../../src/conformance/cluster/names.ts';

const names = new Names('run-1');

test('a policy names the namespaces of the run wherever names of namespaces stand, and nowhere else', () => {
  const policy = names.policy({
    metadata: { namespace: 'x', name: 'x' },
    spec: {
      podSelector: { matchLabels: { pod: 'x' } },
      ingress: [
        {
          from: [
            { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'y', ns: 'y' } } },
            {
              namespaceSelector: {
                matchExpressions: [
                  { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['x', 'z'] },
                  { key: 'ns', operator: 'In', values: ['x'] },
                ],
              },
            },
          ],
          ports: [{ port: 80, protocol: 'TCP' }],
        },
      ],
    },
  });
  expect(policy).toEqual({
    metadata: { namespace: 'run-1-x', name: 'x' },
    spec: {
      podSelector: { matchLabels: { pod: 'x' } },
      ingress: [
        {
          from: [
            { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'run-1-y', ns: 'y' } } },
            {
              namespaceSelector: {
                matchExpressions: [
                  { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['run-1-x', 'run-1-z'] },
                  { key: 'ns', operator: 'In', values: ['x'] },
                ],
              },
            },
          ],
          ports: [{ port: 80, protocol: 'TCP' }],
        },
      ],
    },
  });
  expect(names.labels({ 'kubernetes.io/metadata.name': 'w', ns: 'w' })).toEqual({
    'kubernetes.io/metadata.name': 'run-1-w',
    ns: 'w',
  });
});

test('pods that can’t be made into each other have different names', () => {
  const port = { name: 'serve-80-tcp', containerPort: 80, protocol: 'TCP' } as const;
  const all = [
    podName('a', 'n1', [port]),
    podName('a', 'n2', [port]),
    podName('a', 'n1', [port, { ...port, name: 'web', containerPort: 81 }]),
    podName('a', 'n1', [{ ...port, protocol: 'UDP' }]),
    podName('b', 'n1', [port]),
  ];
  expect(new Set(all).size).toBe(all.length);
  expect(podName('a', 'n1', [port])).toBe(all[0]);
});

test('labels are added, changed and taken away, and nothing is sent where nothing changes', () => {
  expect(labelPatch({ a: '1', b: '2', c: '3' }, { a: '1', b: '3', d: '4' })).toEqual({
    metadata: { labels: { b: '3', c: null, d: '4' } },
  });
  expect(labelPatch({ a: '1' }, { a: '1' })).toBeUndefined();
});
