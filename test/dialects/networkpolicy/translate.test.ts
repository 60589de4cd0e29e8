import { describe, expect, it } from 'vitest';
import { translateNetworkPolicy } from '../../../src/dialects/networkpolicy/translate.ts';
import type { Policy } from '../../../src/policy/ir.ts';
import { policy, world } from '../../policy/world.ts';

const translated = (spec: string): Policy => {
  const [first] = world(policy(spec)).policies;
  if (!first) throw new Error('no policy');
  return first;
};

const everything = { matchLabels: {}, matchExpressions: [] };

describe('NetworkPolicy → IR', () => {
  it('names the policy and selects pods of its namespace', () => {
    expect(translated('{podSelector: {matchLabels: {pod: a}}}')).toMatchObject({
      id: 'NetworkPolicy/x/p',
      tier: 1000,
      subject: {
        namespaces: { kind: 'name', name: 'x' },
        pods: { matchLabels: { pod: 'a' }, matchExpressions: [] },
      },
    });
  });

  it.each([
    ['{podSelector: {}}', ['ingress']],
    ['{podSelector: {}, egress: []}', ['ingress']],
    ['{podSelector: {}, egress: [{}]}', ['ingress', 'egress']],
    ['{podSelector: {}, policyTypes: [Egress], ingress: [{}]}', ['egress']],
    ['{podSelector: {}, policyTypes: [Ingress], egress: [{}]}', ['ingress']],
    ['{podSelector: {}, policyTypes: [Egress, Ingress]}', ['ingress', 'egress']],
  ])('%s has sections %j, which deny by default', (spec, directions) => {
    const { ingress, egress } = translated(spec);
    const sections = [ingress, egress].filter((section) => section !== undefined);
    expect(sections.map((section) => section.origin.direction)).toEqual(directions);
    expect(sections.map((section) => section.default)).toEqual(sections.map(() => 'deny'));
  });

  it('keeps absent and empty selectors apart', () => {
    const { ingress } = translated(
      '{podSelector: {}, ingress: [{from: [{podSelector: {}}, {namespaceSelector: {}}, {podSelector: {}, namespaceSelector: {}}]}]}',
    );
    const anywhere = { kind: 'selector', selector: everything };
    expect(ingress?.rules[0]?.peers).toMatchObject([
      { kind: 'pods', namespaces: { kind: 'name', name: 'x' }, pods: everything },
      { kind: 'pods', namespaces: anywhere, pods: everything },
      { kind: 'pods', namespaces: anywhere, pods: everything },
    ]);
  });

  it('turns empty lists into any, and port entries into what they stand for', () => {
    const { ingress } = translated(
      '{podSelector: {}, ingress: [{}, {ports: [{}, {port: 80}, {port: web, protocol: UDP}, {port: 80, endPort: 90}]}]}',
    );
    expect(ingress?.rules.map(({ peers }) => peers)).toEqual(['any', 'any']);
    expect(ingress?.rules[0]?.ports).toBe('any');
    expect(ingress?.rules[1]?.ports).toMatchObject([
      { kind: 'all', protocol: 'TCP' },
      { kind: 'range', protocol: 'TCP', from: 80, to: 80 },
      { kind: 'named', protocol: 'UDP', name: 'web' },
      { kind: 'range', protocol: 'TCP', from: 80, to: 90 },
    ]);
  });

  it('gives every rule its index and line, and the section the policy itself', () => {
    const { ingress } = translated(`
      podSelector: {}
      ingress:
        - from: [{podSelector: {}}]
        - ports: [{port: 80}]
    `);
    const places = [ingress?.origin, ...(ingress?.rules ?? []).map(({ origin }) => origin)];
    expect(places.map((origin) => [origin?.ruleIndex, origin?.position.line])).toEqual([
      [undefined, 2],
      [0, 8],
      [1, 9],
    ]);
  });

  it('lets a peer that names nothing match nothing, should one ever get past validation', () => {
    const [key, valid] =
      [...world(policy('{podSelector: {}, ingress: [{}]}')).cluster.networkPolicies][0] ?? [];
    if (!key || !valid) throw new Error('no policy');
    const position = { file: 'p.yaml', line: 1, column: 1 };
    const { ingress } = translateNetworkPolicy({
      ...valid,
      ingress: [{ peers: [{ position }], ports: [], position }],
    });
    expect(ingress?.rules[0]?.peers).toEqual([]);
  });
});
