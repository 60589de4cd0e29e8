import { describe, expect, it } from 'vitest';
import { pod, policy, world } from '../world.ts';

const denyAll = policy('{podSelector: {}, policyTypes: [Ingress, Egress]}');
const pods = [
  pod('x/a', { host: 1 }),
  pod('x/b', { host: 2 }),
  pod('x/host', { host: 9, hostNetwork: true }),
  pod('x/far', { host: 9, hostNetwork: true, node: 'n2' }),
];

describe('nodes, hostNetwork and loopback', () => {
  it('corner 16: a hostNetwork pod is not isolated by policies that select it', () => {
    const { ask } = world(denyAll, { pods });
    expect(ask('203.0.113.7', 'x/host')).toMatchObject({ allowed: true, ingress: { reason: 'no-subject' } });
    expect(ask('x/host', '203.0.113.7')).toMatchObject({ allowed: true, egress: { reason: 'no-subject' } });
  });

  it('corner 16: a hostNetwork pod matches no pod or namespace selector, only ipBlocks', () => {
    const bySelector =
      '{podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{podSelector: {}}, {namespaceSelector: {}}]}]}';
    const byBlock =
      '{podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.2/32}}]}]}';
    expect(world(policy(bySelector), { pods }).allows('x/far', 'x/a')).toBe(false);
    expect(world(policy(byBlock), { pods }).allows('x/far', 'x/a')).toBe(true);
  });

  it('corner 16: egress to a hostNetwork pod needs a block or a rule for everybody', () => {
    const toPods = policy('{podSelector: {}, policyTypes: [Egress], egress: [{to: [{podSelector: {}}]}]}');
    const toNode = policy(
      '{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.0.0.1/32}}]}]}',
    );
    expect(world(toPods, { pods }).allows('x/a', 'x/host')).toBe(false);
    expect(world(toNode, { pods }).allows('x/a', 'x/host')).toBe(true);
  });

  it('corner 17: a node always reaches its own pods, and only those', () => {
    const { ask } = world(denyAll, { pods });
    expect(ask('10.0.0.1', 'x/a')).toMatchObject({ allowed: true, ingress: { reason: 'node' } });
    expect(ask('fd00::1', 'x/a@6')).toMatchObject({ allowed: true, ingress: { reason: 'node' } });
    expect(ask('x/host', 'x/a')).toMatchObject({ allowed: true, ingress: { reason: 'node' } });
    expect(ask('10.0.0.2', 'x/a')).toMatchObject({ allowed: false, ingress: { reason: 'default-deny' } });
    expect(ask('x/far', 'x/a').allowed).toBe(false);
  });

  it('corner 17: a pod reaches its node only as its egress rules say', () => {
    expect(world(denyAll, { pods }).allows('x/a', '10.0.0.1')).toBe(false);
    expect(world('', { pods }).allows('x/a', '10.0.0.1')).toBe(true);
  });

  it('corner 18: a pod always reaches itself', () => {
    const { ask } = world(denyAll, { pods });
    const self = { allowed: true, reason: 'self' };
    expect(ask('x/a', 'x/a')).toMatchObject({ allowed: true, egress: self, ingress: self });
    expect(ask('x/a@6', 'x/a@6', 'ICMP')).toMatchObject({ allowed: true, egress: self, ingress: self });
    expect(ask('x/a', 'x/b').allowed).toBe(false);
  });

  it('says nothing about traffic between addresses that are no pods', () => {
    const { ask } = world(denyAll, { pods });
    const unjudged = { allowed: true, reason: 'no-subject' };
    expect(ask('203.0.113.7', '10.0.0.1')).toMatchObject({ egress: unjudged, ingress: unjudged });
  });
});
