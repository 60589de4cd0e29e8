import { expect, test } from 'vitest';
import { protocolVersion, readEnvelope, type Request } from '../../src/lab/protocol.ts';

const requests: readonly Request[] = [
  { op: 'up', objects: new Map(), families: [4, 6], nodes: 2, engine: 'nftables' },
  { op: 'apply', objects: new Map() },
  { op: 'delete', keys: ['NetworkPolicy/shop/cart'] },
  { op: 'label', kind: 'Pod', name: 'shop/cart', set: { a: 'b' }, remove: ['c'] },
  { op: 'scale', key: 'Deployment/shop/cart', replicas: 3 },
  { op: 'flows', last: 10, follow: true, filter: { verdict: 'denied', port: 80 } },
  { op: 'status' },
  { op: 'snapshot' },
  { op: 'down' },
];

test.each(requests)('$op is read as it was meant', (request) => {
  expect(readEnvelope({ version: protocolVersion, request })).toEqual(request);
});

test.each([
  [undefined],
  [{ op: 'reboot' }],
  [{ op: 'apply', objects: {} }],
  [{ op: 'up', objects: new Map(), families: [5], nodes: 2, engine: 'ebpf' }],
  [{ op: 'up', objects: new Map(), families: [4], nodes: -1, engine: 'ebpf' }],
  [{ op: 'up', objects: new Map(), families: [4], nodes: 1, engine: 'iptables' }],
  [{ op: 'delete', keys: [1] }],
  [{ op: 'label', kind: 'Node', name: 'n', set: {}, remove: [] }],
  [{ op: 'label', kind: 'Pod', name: 'n', set: { a: 1 }, remove: [] }],
  [{ op: 'scale', key: 'Deployment/shop/cart', replicas: 1.5 }],
  [{ op: 'flows', last: 1, follow: true, filter: { verdict: 'maybe' } }],
  [{ op: 'flows', last: 1, filter: {} }],
])('%o is refused', (request) => {
  expect(() => readEnvelope({ version: protocolVersion, request })).toThrow('LAB_PROTOCOL');
});

test('a daemon of another version says so', () => {
  expect(() => readEnvelope({ version: 0, request: { op: 'status' } })).toThrow('another version');
});
