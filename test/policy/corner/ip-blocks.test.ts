import { describe, expect, it } from 'vitest';
import { policy, world } from '../world.ts';

/** x/a may be called from the blocks. */
const from = (...blocks: string[]) =>
  policy(
    `{podSelector: {matchLabels: {pod: a}}, ingress: [{from: [${blocks.map((b) => `{ipBlock: ${b}}`).join()}]}]}`,
  );

describe('ipBlock', () => {
  it('matches addresses outside the cluster', () => {
    const { allows } = world(from('{cidr: 203.0.113.0/24, except: [203.0.113.128/25]}'));
    expect(allows('203.0.113.127', 'x/a')).toBe(true);
    expect(allows('203.0.113.128', 'x/a')).toBe(false);
    expect(allows('203.0.112.255', 'x/a')).toBe(false);
    expect(allows('203.0.114.0', 'x/a')).toBe(false);
  });

  it('corner 8: matches pods by their address, in ingress and in egress', () => {
    const ingress = world(from('{cidr: 10.244.1.2/32}'));
    expect(ingress.allows('x/b', 'x/a')).toBe(true);
    expect(ingress.allows('y/a', 'x/a')).toBe(false);
    const egress = world(
      policy(
        '{podSelector: {}, egress: [{to: [{ipBlock: {cidr: 10.244.0.0/16, except: [10.244.1.4/32]}}]}]}',
      ) + policy('{podSelector: {}, ingress: [{}]}', 'open'),
    );
    expect(egress.allows('x/a', 'y/a')).toBe(true);
    expect(egress.allows('x/a', 'y/b')).toBe(false);
  });

  it('corner 9: matches node addresses like any other', () => {
    const { allows } = world(from('{cidr: 10.0.0.2/32}'));
    expect(allows('10.0.0.2', 'x/a')).toBe(true);
    expect(world(from('{cidr: 10.9.0.0/16}')).allows('10.0.0.2', 'x/a')).toBe(false);
  });

  it('corner 10: an except denies nothing that another peer, rule or policy allows', () => {
    const block = '{cidr: 10.0.0.0/8, except: [10.244.1.0/24]}';
    expect(world(from(block)).allows('x/b', 'x/a')).toBe(false);
    expect(world(from(block, '{cidr: 10.244.1.2/32}')).allows('x/b', 'x/a')).toBe(true);
    const other = policy('{podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}', 'other');
    expect(world(from(block) + other).allows('x/b', 'x/a')).toBe(true);
  });

  it('corner 11: overlapping blocks with other ports and excepts add up', () => {
    const { allows } = world(
      policy(`
        podSelector: {}
        ingress:
          - from: [{ipBlock: {cidr: 203.0.0.0/16}}]
            ports: [{port: 80}]
          - from: [{ipBlock: {cidr: 203.0.113.0/24, except: [203.0.113.7/32]}}]
            ports: [{port: 443}]
          - from: [{ipBlock: {cidr: 203.0.113.0/28}}]
      `),
    );
    const ports = (source: string) =>
      ['80/TCP', '443/TCP', '22/TCP'].map((port) => allows(source, 'x/a', port));
    expect(ports('203.0.1.1')).toEqual([true, false, false]);
    expect(ports('203.0.113.200')).toEqual([true, true, false]);
    expect(ports('203.0.113.7')).toEqual([true, true, true]);
    expect(ports('203.1.1.1')).toEqual([false, false, false]);
  });

  it('corners 12 and 13: host bits of blocks and excepts do not count', () => {
    const { allows } = world(from('{cidr: 10.10.1.12/24, except: [10.10.1.77/26]}'));
    expect(allows('10.10.1.1', 'x/a')).toBe(true);
    expect(allows('10.10.1.64', 'x/a')).toBe(false);
    expect(allows('10.10.1.127', 'x/a')).toBe(false);
    expect(allows('10.10.1.128', 'x/a')).toBe(true);
  });

  it('corner 14: a block of one family says nothing about the other', () => {
    const { allows } = world(from('{cidr: 0.0.0.0/0}'));
    expect(allows('x/b', 'x/a')).toBe(true);
    expect(allows('x/b@6', 'x/a@6')).toBe(false);
    expect(world(from('{cidr: "::/0"}')).allows('x/b@6', 'x/a@6')).toBe(true);
    expect(world(from('{cidr: "::/0"}')).allows('x/b', 'x/a')).toBe(false);
  });

  it('corner 15: endPort covers both ends and nothing beside them', () => {
    const { allows } = world(policy('{podSelector: {}, ingress: [{ports: [{port: 8000, endPort: 8010}]}]}'));
    const allowed = [7999, 8000, 8005, 8010, 8011].map((port) => allows('y/a', 'x/a', `${port}/TCP`));
    expect(allowed).toEqual([false, true, true, true, false]);
    expect(allows('y/a', 'x/a', '8005/UDP')).toBe(false);
  });

  it('corner 15: a range may end at 65535', () => {
    const { allows } = world(policy('{podSelector: {}, ingress: [{ports: [{port: 1, endPort: 65535}]}]}'));
    expect([0, 1, 65535].map((port) => allows('y/a', 'x/a', `${port}/TCP`))).toEqual([false, true, true]);
  });
});
