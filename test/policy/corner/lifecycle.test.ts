import { describe, expect, it } from 'vitest';
import { address } from '../../generate/universe.ts';
import { pod, policy, world } from '../world.ts';

describe('lifecycle', () => {
  it.each(['Succeeded', 'Failed'] as const)('corner 25: a pod that has %s gives its address up', (phase) => {
    const fromA = policy(
      '{podSelector: {matchLabels: {pod: b}}, ingress: [{from: [{podSelector: {matchLabels: {pod: a}}}]}]}',
    );
    const running = world(fromA, { pods: [pod('x/a', { host: 1 }), pod('x/b', { host: 2 })] });
    expect(running.allows('10.244.1.1', 'x/b')).toBe(true);
    const ended = world(fromA, { pods: [pod('x/a', { host: 1, phase }), pod('x/b', { host: 2 })] });
    expect(ended.allows('10.244.1.1', 'x/b')).toBe(false);
  });

  it.each(['Succeeded', 'Failed'] as const)(
    'corners 25 and 26: a %s pod that still shows an address does not hold it',
    (phase) => {
      const old = { ...pod('x/a', { host: 1, phase }), addresses: [address('10.244.1.1')] };
      const pods = [old, pod('x/heir', { host: 1 }), pod('x/b', { host: 2 })];
      const fromA = policy(
        '{podSelector: {matchLabels: {pod: b}}, ingress: [{from: [{podSelector: {matchLabels: {pod: a}}}]}]}',
      );
      expect(world(fromA, { pods }).allows('x/heir', 'x/b')).toBe(false);
    },
  );

  it('corner 27: pods and policies of the same name in two namespaces are two', () => {
    const { allows } = world(
      policy('{podSelector: {matchLabels: {pod: a}}}', 'p', 'x') +
        policy('{podSelector: {matchLabels: {pod: b}}}', 'p', 'y'),
    );
    expect(['x/a', 'x/b', 'y/a', 'y/b'].map((to) => allows('203.0.113.7', to))).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });

  it('corner 28: a pod that is not terminal keeps its policies, whatever else its phase', () => {
    for (const phase of ['Pending', 'Running', 'Unknown'] as const) {
      const pods = [pod('x/a', { host: 1, phase }), pod('x/b', { host: 2 })];
      expect(world(policy('{podSelector: {}}'), { pods }).allows('x/b', 'x/a')).toBe(false);
    }
  });
});
