import { describe, expect, it } from 'vitest';
import { pod, policy, world } from '../world.ts';

const pods = [
  pod('x/a', { host: 1, ports: ['web=80/TCP'] }),
  pod('x/b', { host: 2, ports: ['web=8080/TCP', 'dns=53/UDP'] }),
  pod('x/c', { host: 3, ports: ['web=9000/UDP'] }),
  pod('y/a', { host: 4, ports: ['81/TCP'] }),
];

describe('named ports', () => {
  const egress = world(policy('{podSelector: {matchLabels: {pod: a}}, egress: [{ports: [{port: web}]}]}'), {
    pods,
  });

  it('corner 1: egress resolves the name on each destination pod, whatever the namespace', () => {
    expect(egress.allows('x/a', 'x/b', '8080/TCP')).toBe(true);
    expect(egress.allows('x/a', 'y/a', '81/TCP')).toBe(false);
  });

  it('corner 1: egress to a named port never matches an address outside the cluster, nor a node', () => {
    expect(egress.allows('x/a', '203.0.113.7', '80/TCP')).toBe(false);
    expect(egress.allows('x/a', '203.0.113.7', '8080/TCP')).toBe(false);
    expect(egress.allows('x/a', '10.0.0.2', '80/TCP')).toBe(false);
  });

  it('corner 2: a number counts only for the pod on which the name stands for it', () => {
    const bothWays = world(policy('{podSelector: {}, ingress: [{ports: [{port: web}]}]}'), { pods });
    expect(egress.allows('x/a', 'x/b', '80/TCP')).toBe(false);
    expect(bothWays.allows('y/a', 'x/a', '80/TCP')).toBe(true);
    expect(bothWays.allows('y/a', 'x/a', '8080/TCP')).toBe(false);
    expect(bothWays.allows('y/a', 'x/b', '8080/TCP')).toBe(true);
    expect(bothWays.allows('y/a', 'x/b', '80/TCP')).toBe(false);
  });

  it('corner 2: a name that two containers of a pod use stands for both numbers', () => {
    const twice = [pod('x/a', { host: 1, ports: ['web=80/TCP', 'web=81/TCP'] }), pod('y/a', { host: 2 })];
    const { allows } = world(policy('{podSelector: {}, ingress: [{ports: [{port: web}]}]}'), { pods: twice });
    expect([80, 81, 82].map((port) => allows('y/a', 'x/a', `${port}/TCP`))).toEqual([true, true, false]);
  });

  it('corner 3: the protocol of the named port must match too', () => {
    expect(egress.allows('x/a', 'x/c', '9000/UDP')).toBe(false);
    expect(egress.allows('x/a', 'x/c', '9000/TCP')).toBe(false);
    const udp = world(policy('{podSelector: {}, ingress: [{ports: [{port: dns}]}]}'), { pods });
    expect(udp.allows('y/a', 'x/b', '53/UDP')).toBe(false);
    expect(udp.allows('y/a', 'x/b', '53/TCP')).toBe(false);
    const right = world(policy('{podSelector: {}, ingress: [{ports: [{port: dns, protocol: UDP}]}]}'), {
      pods,
    });
    expect(right.allows('y/a', 'x/b', '53/UDP')).toBe(true);
  });

  it('corner 4: ingress resolves the name on the selected pod, not on the one that calls', () => {
    const { allows } = world(
      policy('{podSelector: {matchLabels: {pod: b}}, ingress: [{ports: [{port: web}]}]}'),
      {
        pods,
      },
    );
    expect(allows('x/a', 'x/b', '8080/TCP')).toBe(true);
    expect(allows('x/a', 'x/b', '80/TCP')).toBe(false);
  });
});
