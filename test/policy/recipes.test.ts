/** The fourteen common recipes, each with the whole truth table by hand: rows call, columns are called, on TCP 80. */
import { describe, expect, it } from 'vitest';
import { policy, world } from './world.ts';

const points = ['x/a', 'x/b', 'y/a', 'y/b', '203.0.113.7'] as const;

/** `.` allowed, `X` denied, `-` not judged (outside to outside). */
const table = (policies: string, port = '80/TCP') => {
  const { allows } = world(policies);
  const isOutside = (point: string) => !point.includes('/');
  const cell = (from: string, to: string) =>
    isOutside(from) && isOutside(to) ? '-' : allows(from, to, port) ? '.' : 'X';
  return points.map((from) => points.map((to) => cell(from, to)).join(''));
};

const denyIngress = policy('{podSelector: {}}', 'deny');
const a = 'podSelector: {matchLabels: {pod: a}}';
const b = 'podSelector: {matchLabels: {pod: b}}';
const inY = 'namespaceSelector: {matchLabels: {ns: "y"}}';

//             to: a b a b outside    from x/a   x/b      y/a      y/b      outside
const open = ['.....', '.....', '.....', '.....', '....-'];
const shutA = ['.....', 'X....', 'X....', 'X....', 'X...-'];
const shutX = ['.X...', 'X....', 'XX...', 'XX...', 'XX..-'];

describe('recipes', () => {
  it('0: without policies everything is allowed', () => {
    expect(table('')).toEqual(open);
  });

  it('1: deny all to a pod', () => {
    expect(table(policy(`{${a}, ingress: []}`))).toEqual(shutA);
  });

  it('2: limit traffic to a pod', () => {
    expect(table(policy(`{${a}, ingress: [{from: [{${b}}]}]}`))).toEqual(shutA.with(1, '.....'));
  });

  it('3: deny all to a namespace', () => {
    expect(table(denyIngress)).toEqual(shutX);
  });

  it('4: deny from other namespaces', () => {
    const sameNamespace = policy('{podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}');
    expect(table(sameNamespace)).toEqual(['.....', '.....', 'XX...', 'XX...', 'XX..-']);
  });

  it('5: deny from a pod', () => {
    expect(table(policy(`{${a}, policyTypes: [Egress]}`))).toEqual(open.with(0, '.XXXX'));
  });

  it('6: deny all that is not allowed from a namespace', () => {
    const denyEgress = policy('{podSelector: {}, policyTypes: [Egress]}', 'deny');
    expect(table(denyEgress)).toEqual(['.XXXX', 'X.XXX', '.....', '.....', '....-']);
    const allowed = policy(`{${a}, policyTypes: [Egress], egress: [{to: [{${b}}]}]}`);
    expect(table(denyEgress + allowed)).toEqual(['..XXX', 'X.XXX', '.....', '.....', '....-']);
  });

  it('7: deny external egress', () => {
    const inside = policy(
      '{podSelector: {}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {}}]}]}',
    );
    expect(table(inside)).toEqual(['....X', '....X', '.....', '.....', '....-']);
  });

  it('8: allow all to a pod, in spite of a default deny', () => {
    const toA = policy(`{${a}, ingress: [{}]}`);
    expect(table(denyIngress + toA)).toEqual(['.X...', '.....', '.X...', '.X...', '.X..-']);
  });

  it('9: allow to a pod from all namespaces', () => {
    const everyPod = policy(`{${a}, ingress: [{from: [{namespaceSelector: {}}]}]}`);
    expect(table(everyPod)).toEqual(['.....', '.....', '.....', '.....', 'X...-']);
  });

  it('10: allow from a namespace', () => {
    expect(table(policy(`{${a}, ingress: [{from: [{${inY}}]}]}`))).toEqual([
      '.....',
      'X....',
      '.....',
      '.....',
      'X...-',
    ]);
  });

  it('11: allow from some pods of another namespace', () => {
    expect(table(policy(`{${a}, ingress: [{from: [{${inY}, ${b}}]}]}`))).toEqual(shutA.with(3, '.....'));
  });

  it('12: allow from external clients', () => {
    const external = policy(`{${a}, ingress: [{from: [], ports: [{port: 80}]}]}`);
    expect(table(denyIngress + external)).toEqual(['.X...', '.....', '.X...', '.X...', '.X..-']);
    const notPods = policy(
      `{${a}, ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.244.0.0/16]}}]}]}`,
    );
    expect(table(notPods)).toEqual(['.....', 'X....', 'X....', 'X....', '....-']);
  });

  it('13: allow only to a port', () => {
    const port = policy(`{${a}, ingress: [{ports: [{port: 80}]}]}`);
    expect(table(port, '80/TCP')).toEqual(open);
    expect(table(port, '81/TCP')).toEqual(shutA);
    expect(table(port, '80/UDP')).toEqual(shutA);
  });

  it('14: allow from several selectors', () => {
    const several = policy(`{${a}, ingress: [{from: [{${b}}, {${inY}, ${a}}]}]}`);
    expect(table(several)).toEqual(['.....', '.....', '.....', 'X....', 'X...-']);
  });
});
