import { describe, expect, it } from 'vitest';
import { pod, policy, world } from '../world.ts';
import type { World } from '../world.ts';

const pods = ['x/a', 'x/b', 'x/c', 'y/a', 'y/b', 'z/a'].map((key, index) => pod(key, { host: index + 1 }));
const options = { pods };

/** Who of all others may call x/a. */
const callers = ({ cluster, allows }: World) =>
  [...cluster.pods.keys(), '203.0.113.7'].filter((from) => from !== 'x/a' && allows(from, 'x/a'));

/** Who may call x/a, if its one ingress rule is this. */
const callersBy = (rule: string) =>
  callers(world(policy(`{podSelector: {matchLabels: {pod: a}}, ingress: [${rule}]}`), options));

const everybody = ['x/b', 'x/c', 'y/a', 'y/b', 'z/a', '203.0.113.7'];
const everyPod = ['x/b', 'x/c', 'y/a', 'y/b', 'z/a'];

describe('selectors and rules', () => {
  it('corner 32: an empty podSelector is every pod of the own namespace', () => {
    expect(callersBy('{from: [{podSelector: {}}]}')).toEqual(['x/b', 'x/c']);
  });

  it('corner 32: a namespaceSelector alone is every pod there, its own namespace included', () => {
    expect(callersBy('{from: [{namespaceSelector: {}}]}')).toEqual(everyPod);
    expect(callersBy('{from: [{namespaceSelector: {matchLabels: {ns: "y"}}}]}')).toEqual(['y/a', 'y/b']);
  });

  it('corner 32: an empty namespaceSelector with a podSelector is those pods anywhere', () => {
    expect(callersBy('{from: [{namespaceSelector: {}, podSelector: {matchLabels: {pod: a}}}]}')).toEqual([
      'y/a',
      'z/a',
    ]);
  });

  it('corner 33: both selectors in one peer are ANDed, in two peers ORed', () => {
    const namespace = 'namespaceSelector: {matchLabels: {ns: "y"}}';
    const label = 'podSelector: {matchLabels: {pod: b}}';
    expect(callersBy(`{from: [{${namespace}, ${label}}]}`)).toEqual(['y/b']);
    expect(callersBy(`{from: [{${namespace}}, {${label}}]}`)).toEqual(['x/b', 'y/a', 'y/b']);
  });

  it('corner 34: without policyTypes, egress rules isolate ingress too', () => {
    const { ask } = world(policy('{podSelector: {matchLabels: {pod: a}}, egress: [{}]}'), options);
    expect(ask('x/b', 'x/a').ingress.reason).toBe('default-deny');
    expect(ask('x/a', 'x/b').egress.reason).toBe('rule');
  });

  it('corner 34: an empty egress list without policyTypes does not isolate egress', () => {
    const { ask } = world(policy('{podSelector: {matchLabels: {pod: a}}, egress: []}'), options);
    expect(ask('x/a', 'y/a').egress.reason).toBe('not-isolated');
  });

  it('corner 34: a direction that policyTypes leaves out is not touched, whatever rules there are', () => {
    const { ask } = world(
      policy('{podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], ingress: [{}]}'),
      options,
    );
    expect(ask('x/b', 'x/a').ingress.reason).toBe('not-isolated');
    expect(ask('x/a', 'x/b').egress.reason).toBe('default-deny');
  });

  it('corner 35: no rule is deny, an empty rule is everybody, an empty from is any source', () => {
    const bySection = (section: string) =>
      callers(
        world(policy(`{podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress]${section}}`), options),
      );
    expect(bySection('')).toEqual([]);
    expect(bySection(', ingress: []')).toEqual([]);
    expect(bySection(', ingress: [{}]')).toEqual(everybody);
    expect(bySection(', ingress: [{from: []}]')).toEqual(everybody);
    expect(bySection(', ingress: [{from: [], ports: []}]')).toEqual(everybody);
  });

  it('corner 36: egress with ports alone goes anywhere', () => {
    const { allows } = world(policy('{podSelector: {}, egress: [{ports: [{port: 80}]}]}', 'p', 'y'), options);
    expect(['x/a', 'z/a', '203.0.113.7', '10.0.0.1'].map((to) => allows('y/a', to))).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(allows('y/a', 'x/a', '81/TCP')).toBe(false);
  });

  it('corner 37: NotIn and DoesNotExist match pods without the key, but nobody outside', () => {
    const notIn = '{key: role, operator: NotIn, values: [x]}';
    const absent = '{key: role, operator: DoesNotExist}';
    expect(
      callersBy(`{from: [{namespaceSelector: {}, podSelector: {matchExpressions: [${notIn}]}}]}`),
    ).toEqual(everyPod);
    expect(
      callersBy(`{from: [{namespaceSelector: {}, podSelector: {matchExpressions: [${absent}]}}]}`),
    ).toEqual(everyPod);
    expect(callersBy(`{from: [{podSelector: {matchExpressions: [${absent}]}}]}`)).toEqual(['x/b', 'x/c']);
  });

  it('corner 38: several values of NotIn are one conjunction', () => {
    const notIn = '{key: pod, operator: NotIn, values: [b, c]}';
    expect(
      callersBy(`{from: [{namespaceSelector: {}, podSelector: {matchExpressions: [${notIn}]}}]}`),
    ).toEqual(['y/a', 'z/a']);
  });

  it('corner 39: matchExpressions work on namespaces too', () => {
    const select = (expression: string) =>
      callersBy(`{from: [{namespaceSelector: {matchExpressions: [${expression}]}}]}`);
    expect(select('{key: ns, operator: In, values: ["y", z]}')).toEqual(['y/a', 'y/b', 'z/a']);
    expect(select('{key: ns, operator: NotIn, values: [x]}')).toEqual(['y/a', 'y/b', 'z/a']);
    expect(select('{key: ns, operator: Exists}')).toEqual(everyPod);
    expect(select('{key: ns, operator: DoesNotExist}')).toEqual([]);
  });

  it('corner 40: a namespace is selected by the label of its name', () => {
    const byName = '{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: "y"}}}]}';
    expect(callersBy(byName)).toEqual(['y/a', 'y/b']);
  });

  it('corner 40: a pod label that looks like a namespace label does not stand for it', () => {
    const impostor = pod('z/a', { host: 9, labels: { ns: 'y', 'kubernetes.io/metadata.name': 'y' } });
    const byLabel = policy(
      '{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {ns: "y"}}}]}]}',
    );
    expect(world(byLabel, { pods: [...pods.slice(0, 5), impostor] }).allows('z/a', 'x/a')).toBe(false);
  });

  it('corner 42: labels count as they are now, on subjects, peers and namespaces', () => {
    const rule = policy(
      '{podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{namespaceSelector: {matchLabels: {ns: "y"}}, podSelector: {matchLabels: {pod: b}}}]}]}',
    );
    const relabelled = (key: string) =>
      pods.map((one) => (one.key === key ? { ...one, labels: { pod: 'other' } } : one));
    expect(callers(world(rule, options))).toEqual(['y/b']);
    expect(callers(world(rule, { pods: relabelled('y/b') }))).toEqual([]);
    expect(callers(world(rule, { pods: relabelled('x/a') }))).toEqual(everybody);
    expect(callers(world(rule, { pods, namespaceLabels: { y: { ns: 'other' } } }))).toEqual([]);
  });

  it('corner 43: an edited podSelector frees the old subject and isolates the new one', () => {
    const isolated = (label: string) => {
      const { ask } = world(policy(`{podSelector: {matchLabels: {pod: ${label}}}}`), options);
      return ['x/a', 'x/b'].filter((to) => ask('z/a', to).ingress.reason === 'default-deny');
    };
    expect(isolated('a')).toEqual(['x/a']);
    expect(isolated('b')).toEqual(['x/b']);
  });

  it('corner 51: extensions/v1beta1 means the same as networking.k8s.io/v1', () => {
    const text = policy('{podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}');
    const old = text.replace('networking.k8s.io/v1', 'extensions/v1beta1');
    expect(old).not.toBe(text);
    expect(callers(world(old, options))).toEqual(callers(world(text, options)));
  });

  it('corner 52: a pod that only has egress policies stays open for ingress', () => {
    const { ask } = world(policy('{podSelector: {}, policyTypes: [Egress]}'), options);
    expect(ask('z/a', 'x/a')).toMatchObject({ allowed: true, ingress: { reason: 'not-isolated' } });
  });

  it('corner 55: a podSelector never selects across namespaces', () => {
    expect(callersBy('{from: [{podSelector: {matchLabels: {pod: b}}}]}')).toEqual(['x/b']);
    const { ask } = world(policy('{podSelector: {matchLabels: {pod: a}}}'), options);
    expect(ask('x/b', 'y/a').ingress.reason).toBe('not-isolated');
  });
});
