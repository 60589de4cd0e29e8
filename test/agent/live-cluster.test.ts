/** The cluster as explanations see it: who holds which address while pods and nodes come, change and go. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LiveCluster } from '../../src/agent/live-cluster.ts';
import type { Node } from '../../src/objects/model.ts';
import { holderIn } from '../../src/observe/holders.ts';
import { runningPod as pod } from '../generate/running-pod.ts';
import { address } from '../generate/universe.ts';

function node(name: string, addresses: readonly string[]): Node {
  return { name, labels: {}, addresses: addresses.map(address), podCIDRs: [] };
}

function holderOf({ cluster }: LiveCluster, text: string): string | undefined {
  const holder = holderIn(cluster, address(text));
  if (holder === undefined) return undefined;
  expect(holder.address.text).toBe(text);
  return holder.kind === 'pod' ? holder.pod.key : holder.node.name;
}

describe('an address', () => {
  test('is that of the pod or node that has it now', () => {
    const live = new LiveCluster();
    live.apply({
      nodes: [['n1', node('n1', ['192.0.2.1'])]],
      pods: [['x/a', pod('a', ['10.0.0.1', 'fd00::1'])]],
    });
    expect(['192.0.2.1', '10.0.0.1', 'fd00::1', '10.0.0.2'].map((text) => holderOf(live, text))).toEqual([
      'n1',
      'x/a',
      'x/a',
      undefined,
    ]);
    live.apply({
      nodes: [['n1', node('n1', ['192.0.2.2'])]],
      pods: [['x/a', pod('a', ['10.0.0.2', 'fd00::1'])]],
    });
    expect(
      ['192.0.2.1', '192.0.2.2', '10.0.0.1', '10.0.0.2', 'fd00::1'].map((text) => holderOf(live, text)),
    ).toEqual([undefined, 'n1', undefined, 'x/a', 'x/a']);
    live.apply({ nodes: [['n1', undefined]], pods: [['x/a', undefined]] });
    expect(['192.0.2.2', '10.0.0.2', 'fd00::1'].map((text) => holderOf(live, text))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  test.each([
    ['has ended', { phase: 'Succeeded' }],
    ['has failed', { phase: 'Failed' }],
    ['uses the network of its node', { hostNetwork: true }],
  ] as const)('is not that of a pod that %s', (_, change) => {
    const live = new LiveCluster();
    live.apply({ pods: [['x/a', pod('a', ['10.0.0.1'])]] });
    live.apply({ pods: [['x/a', pod('a', ['10.0.0.1'], change)]] });
    expect(holderOf(live, '10.0.0.1')).toBeUndefined();
    expect(live.cluster.pods.size).toBe(1);
  });

  test('is that of a pod before that of a node, whoever came first', () => {
    const live = new LiveCluster();
    live.apply({ nodes: [['n1', node('n1', ['10.0.0.1'])]] });
    live.apply({ pods: [['x/a', pod('a', ['10.0.0.1'])]] });
    expect(holderOf(live, '10.0.0.1')).toBe('x/a');
    live.apply({ pods: [['x/a', undefined]] });
    expect(holderOf(live, '10.0.0.1')).toBe('n1');
  });

  test('is that of the pod with the smaller name, whoever came first and however it changes, until it lets go', () => {
    const live = new LiveCluster();
    live.apply({ pods: [['x/b', pod('b', ['10.0.0.1'])]] });
    live.apply({ pods: [['x/a', pod('a', ['10.0.0.1'])]] });
    expect(holderOf(live, '10.0.0.1')).toBe('x/a');
    live.apply({ pods: [['x/a', pod('a', ['10.0.0.1', 'fd00::1'], { labels: { app: 'a' } })]] });
    expect(holderOf(live, '10.0.0.1')).toBe('x/a');
    expect(live.cluster.pods.get('x/a')?.labels).toEqual({ app: 'a' });
    live.apply({ pods: [['x/a', pod('a', ['fd00::1'])]] });
    expect(holderOf(live, '10.0.0.1')).toBe('x/b');
    live.apply({ pods: [['x/a', pod('a', ['10.0.0.1'])]] });
    expect(holderOf(live, '10.0.0.1')).toBe('x/a');
  });

  test('is that of a pod that is being deleted until another has it, whatever their names', () => {
    const live = new LiveCluster();
    live.apply({ pods: [['x/a', pod('a', ['10.0.0.1'], { isEnding: true })]] });
    expect(holderOf(live, '10.0.0.1')).toBe('x/a');
    live.apply({ pods: [['x/b', pod('b', ['10.0.0.1'])]] });
    expect(holderOf(live, '10.0.0.1')).toBe('x/b');
    live.apply({ pods: [['x/b', pod('b', ['10.0.0.1'], { isEnding: true })]] });
    expect(holderOf(live, '10.0.0.1')).toBe('x/a');
  });

  test('is never that of somebody who has it no longer', () => {
    const texts = ['10.0.0.1', '10.0.0.2', 'fd00::1'];
    const change = fc.record({
      name: fc.constantFrom('a', 'b', 'c'),
      addresses: fc.option(fc.subarray(texts)),
      isNode: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        const live = new LiveCluster();
        const held = new Map<string, readonly string[]>();
        for (const { name, addresses, isNode } of changes) {
          if (isNode) live.apply({ nodes: [[name, addresses ? node(name, addresses) : undefined]] });
          else live.apply({ pods: [[`x/${name}`, addresses ? pod(name, addresses) : undefined]] });
          held.set(isNode ? name : `x/${name}`, addresses ?? []);
          for (const text of texts) {
            const claims = [...held].filter(([, all]) => all.includes(text)).map(([key]) => key);
            const pods = claims.filter((key) => key.startsWith('x/'));
            const holder = holderOf(live, text);
            if (claims.length === 0) expect(holder).toBeUndefined();
            else expect(holder).toBe((pods.length > 0 ? pods : claims).toSorted()[0]);
          }
        }
      }),
    );
  });
});

test('objects are those of the last word on each', () => {
  const live = new LiveCluster();
  const position = { file: 'namespaces/x', line: 1, column: 1 };
  live.apply({ namespaces: [['x', { name: 'x', labels: {}, position }]] });
  live.apply({ namespaces: [['x', { name: 'x', labels: { team: 'a' }, position }]] });
  expect(live.cluster.namespaces.get('x')?.labels).toEqual({ team: 'a' });
  live.apply({ namespaces: [['x', undefined]] });
  expect(live.cluster.namespaces.size).toBe(0);
});
