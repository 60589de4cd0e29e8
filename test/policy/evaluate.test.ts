import { describe, expect, it } from 'vitest';
import { evaluate } from '../../src/policy/evaluate.ts';
import type { Policy, Rule, Section } from '../../src/policy/ir.ts';
import { policy, world } from './world.ts';

const position = { file: 'p.yaml', line: 1, column: 1 };
const everything = { matchLabels: {}, matchExpressions: [] };

/** Ingress of every pod in namespace x; each rule is its action and the TCP port it is about (`*`: any). */
function ingressPolicy(
  id: string,
  place: Pick<Policy, 'tier' | 'order'>,
  rules: string[],
  byDefault: Section['default'],
): Policy {
  const origin = {
    dialect: 'NetworkPolicy',
    namespace: 'x',
    name: id,
    direction: 'ingress',
    position,
  } as const;
  return {
    id,
    ...place,
    subject: { namespaces: { kind: 'name', name: 'x' }, pods: everything },
    ingress: { rules: rules.map(toRule), default: byDefault, origin },
  };

  function toRule(text: string, ruleIndex: number): Rule {
    const [action = '', port = ''] = text.split(' ');
    if (action !== 'allow' && action !== 'deny' && action !== 'pass') throw new Error(text);
    const number = Number(port);
    const range = { kind: 'range', protocol: 'TCP', from: number, to: number, position } as const;
    return { origin: { ...origin, ruleIndex }, action, peers: 'any', ports: port === '*' ? 'any' : [range] };
  }
}

const { cluster } = world('');

function judge(policies: Policy[], port: number) {
  const [source, destination] = ['y/a', 'x/a'].map((key) => cluster.pods.get(key)?.addresses[0]);
  if (!source || !destination) throw new Error('no such pod');
  const { ingress } = evaluate(cluster, policies, { source, destination, protocol: 6, port });
  const { rule } = ingress;
  const by = rule ? `${rule.origin.name}[${rule.origin.ruleIndex}]` : ingress.reason;
  return `${ingress.allowed ? 'allow' : 'deny'} ${by}`;
}

describe('tiers', () => {
  it('are asked in order, whatever the order of the policies', () => {
    const first = ingressPolicy('first', { tier: 1, order: 9 }, ['deny 80'], 'next');
    const second = ingressPolicy('second', { tier: 2, order: 0 }, ['allow 80', 'allow 81'], 'deny');
    for (const policies of [
      [first, second],
      [second, first],
    ]) {
      expect(judge(policies, 80)).toBe('deny first[0]');
      expect(judge(policies, 81)).toBe('allow second[1]');
      expect(judge(policies, 82)).toBe('deny default-deny');
    }
  });

  it('decide within a tier by order, then id, then rule', () => {
    const late = ingressPolicy('a', { tier: 1, order: 9 }, ['deny 80'], 'next');
    const early = ingressPolicy('z', { tier: 1, order: 1 }, ['allow 80', 'deny 80'], 'next');
    const twin = ingressPolicy('b', { tier: 1, order: 1 }, ['deny 80'], 'next');
    expect(judge([late, early], 80)).toBe('allow z[0]');
    expect(judge([late, early, twin], 80)).toBe('deny b[0]');
  });

  it('are left by pass, past the rest of the tier and its default', () => {
    const first = ingressPolicy('first', { tier: 1, order: 0 }, ['pass 80', 'deny *'], 'deny');
    const second = ingressPolicy('second', { tier: 2, order: 0 }, ['allow 80'], 'next');
    expect(judge([first, second], 80)).toBe('allow second[0]');
    expect(judge([first, second], 81)).toBe('deny first[1]');
    expect(judge([first], 80)).toBe('allow not-isolated');
  });

  it('deny by default if any of their policies does', () => {
    const open = ingressPolicy('open', { tier: 1, order: 0 }, [], 'next');
    const shut = ingressPolicy('shut', { tier: 1, order: 0 }, [], 'deny');
    expect(judge([open], 80)).toBe('allow not-isolated');
    expect(judge([open, shut], 80)).toBe('deny default-deny');
  });

  it('allow after the last one', () => {
    expect(judge([ingressPolicy('only', { tier: 1, order: 0 }, ['allow 80', 'deny 81'], 'next')], 82)).toBe(
      'allow not-isolated',
    );
  });
});

describe('rules that name nothing', () => {
  it('match nothing when their list of peers or ports is empty, which is not `any`', () => {
    const open = ingressPolicy('p', { tier: 1, order: 0 }, ['allow *'], 'deny');
    const [rule] = open.ingress?.rules ?? [];
    if (!open.ingress || !rule) throw new Error('no rule');
    const narrowed = (change: Partial<Rule>) => [
      { ...open, ingress: { ...open.ingress, rules: [{ ...rule, ...change }] } },
    ];
    const verdicts = [{}, { peers: [] }, { ports: [] }].map((change) =>
      judge(narrowed(change) as Policy[], 80),
    );
    expect(verdicts).toEqual(['allow p[0]', 'deny default-deny', 'deny default-deny']);
  });
});

describe('provenance', () => {
  const text =
    policy('{podSelector: {}}', 'deny') +
    policy(
      '{podSelector: {}, policyTypes: [Ingress], ingress: [{ports: [{port: 443}]}, {ports: [{port: 80}]}]}',
      'web',
    );

  it('names rule and line that allowed, and who isolates all the same', () => {
    const { ingress } = world(text).ask('y/a', 'x/a');
    expect(ingress.rule?.origin).toMatchObject({
      namespace: 'x',
      name: 'web',
      direction: 'ingress',
      ruleIndex: 1,
    });
    expect(ingress.rule?.origin.position).toMatchObject({ file: 'policies.yaml', line: 12 });
    expect(ingress.isolatedBy.map(({ name }) => name)).toEqual(['deny', 'web']);
    expect(ingress.nearMisses).toEqual([]);
  });

  it('names the policies that isolate when nothing matches', () => {
    const { egress, ingress } = world(text).ask('y/a', 'x/a', '22/TCP');
    expect(egress).toMatchObject({ allowed: true, reason: 'not-isolated', isolatedBy: [] });
    expect(ingress).toMatchObject({ allowed: false, reason: 'default-deny' });
    expect(ingress.isolatedBy.map(({ name, ruleIndex }) => ({ name, ruleIndex }))).toEqual([
      { name: 'deny', ruleIndex: undefined },
      { name: 'web', ruleIndex: undefined },
    ]);
  });

  it('judges both directions even if the first denies', () => {
    const both =
      policy('{podSelector: {}, policyTypes: [Egress]}', 'out') + policy('{podSelector: {}}', 'in', 'y');
    expect(world(both).ask('x/a', 'y/a')).toMatchObject({
      allowed: false,
      egress: { allowed: false, reason: 'default-deny' },
      ingress: { allowed: false, reason: 'default-deny' },
    });
  });
});
