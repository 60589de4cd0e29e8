import { describe, expect, it } from 'vitest';
import { pod, policy, world } from './world.ts';

const pods = [
  pod('x/a', { host: 1, ports: ['web=8080/TCP'] }),
  pod('x/b', { host: 2, labels: { app: 'shop', tier: 'back' } }),
  pod('y/a', { host: 3, labels: { app: 'shop' } }),
  pod('y/host', { host: 4, hostNetwork: true, node: 'n2' }),
];

/** Details of the near misses for a flow to x/a, which has these ingress rules. */
function misses(rules: string, from: string, port = '80/TCP'): readonly string[] {
  const { ask } = world(policy(`{podSelector: {matchLabels: {pod: a}}, ingress: [${rules}]}`), { pods });
  return ask(from, 'x/a', port).ingress.nearMisses.map(({ differs, detail }) => `${differs}: ${detail}`);
}

describe('near misses', () => {
  it('name the ports that are allowed when the peer matched', () => {
    expect(
      misses('{from: [{podSelector: {}}], ports: [{port: 81}, {port: 9000, endPort: 9010}]}', 'x/b'),
    ).toEqual(['port: the peer matches, but only TCP 81, TCP 9000-9010 is allowed, not TCP 80']);
  });

  it('say what a port name stands for on the destination', () => {
    expect(misses('{ports: [{port: web}]}', 'x/b')).toEqual([
      'port: the peer matches, but only TCP "web" is allowed, not TCP 80 ("web" is 8080 on pod x/a)',
    ]);
    expect(misses('{ports: [{port: web, protocol: UDP}]}', 'x/b', '8080/TCP')).toEqual([
      'port: the peer matches, but only UDP "web" is allowed, not TCP 8080 ("web" names no UDP port on pod x/a)',
    ]);
  });

  it('name the labels that differ when the port matched', () => {
    const rule = '{from: [{podSelector: {matchLabels: {app: shop, tier: front}}}]}';
    expect(misses(rule, 'x/b')).toEqual([
      'peer: the port matches, but pod x/b is not among pods app=shop,tier=front in namespace x: its label tier is "back"',
    ]);
    expect(misses(rule, 'y/a')).toEqual([
      'peer: the port matches, but pod y/a is not among pods app=shop,tier=front in namespace x: its namespace is y, it has no label tier',
    ]);
  });

  it('tell an except from an address outside the block', () => {
    const rule = '{from: [{ipBlock: {cidr: 203.0.113.0/24, except: [203.0.113.128/25]}}]}';
    expect(misses(rule, '203.0.113.200')).toEqual([
      'peer: the port matches, but 203.0.113.200 is not in 203.0.113.0/24 except 203.0.113.128/25: 203.0.113.128/25 is excepted',
    ]);
    expect(misses(rule, '198.51.100.1')).toEqual([
      'peer: the port matches, but 198.51.100.1 is not in 203.0.113.0/24 except 203.0.113.128/25: it is outside the block',
    ]);
  });

  it('say that nodes and outsiders are no pods', () => {
    const rule = '{from: [{namespaceSelector: {}}]}';
    expect(misses(rule, 'y/host')).toEqual([
      'peer: the port matches, but node n2 (10.0.0.2) is not among all pods in any namespace: nodes and hostNetwork pods match no pod selector',
    ]);
    expect(misses(rule, '203.0.113.7')).toEqual([
      'peer: the port matches, but 203.0.113.7 is not among all pods in any namespace: it is not a pod of this cluster',
    ]);
  });

  it('come closest first, at most three, and leave out what differs in both', () => {
    const rules = [
      '{from: [{podSelector: {matchLabels: {app: other, tier: front}}}]}',
      '{from: [{podSelector: {matchLabels: {tier: front}}}]}',
      '{from: [{podSelector: {}}], ports: [{port: 8000}]}',
      '{from: [{podSelector: {}}], ports: [{port: 80, protocol: UDP}]}',
      '{from: [{podSelector: {}}], ports: [{port: 82}]}',
      '{from: [{podSelector: {matchLabels: {tier: front}}}], ports: [{port: 82}]}',
    ];
    const { ask } = world(policy(`{podSelector: {matchLabels: {pod: a}}, ingress: [${rules.join()}]}`), {
      pods,
    });
    expect(ask('x/b', 'x/a').ingress.nearMisses.map(({ rule }) => rule.origin.ruleIndex)).toEqual([4, 2, 3]);
  });

  it('are not given where a flow is allowed', () => {
    expect(misses('{ports: [{port: 80}]}', 'x/b')).toEqual([]);
  });
});
