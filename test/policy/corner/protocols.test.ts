import { describe, expect, it } from 'vitest';
import { policy, world } from '../world.ts';

const ports = (list: string) =>
  world(policy(`{podSelector: {matchLabels: {pod: a}}, ingress: [{ports: ${list}}]}`));

describe('protocols and ports', () => {
  it('corner 29: a rule for SCTP isolates and allows neither TCP nor UDP', () => {
    const { allows } = ports('[{port: 80, protocol: SCTP}]');
    expect(['80/SCTP', '80/TCP', '80/UDP'].map((port) => allows('x/b', 'x/a', port))).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('a rule for UDP allows no TCP', () => {
    const { allows } = ports('[{port: 53, protocol: UDP}]');
    expect(['53/UDP', '53/TCP'].map((port) => allows('x/b', 'x/a', port))).toEqual([true, false]);
  });

  it('corner 30: an empty port entry is all of TCP, beside a narrower one too', () => {
    for (const list of ['[{}]', '[{port: 80}, {}]', '[{}, {port: 80}]']) {
      const { allows } = ports(list);
      expect(['80/TCP', '9999/TCP', '80/UDP'].map((port) => allows('x/b', 'x/a', port))).toEqual([
        true,
        true,
        false,
      ]);
    }
  });

  it('corner 31: a port entry without protocol is TCP', () => {
    const { allows } = ports('[{port: 80}]');
    expect(['80/TCP', '80/UDP', '80/SCTP'].map((port) => allows('x/b', 'x/a', port))).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('a protocol without a port is every port of it', () => {
    const { allows } = ports('[{protocol: UDP}]');
    expect(['0/UDP', '1/UDP', '65535/UDP', '1/TCP'].map((port) => allows('x/b', 'x/a', port))).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });

  it('corner 44: ICMP passes only where a rule names no ports at all', () => {
    expect(ports('[{protocol: TCP}, {protocol: UDP}, {protocol: SCTP}]').allows('x/b', 'x/a', 'ICMP')).toBe(
      false,
    );
    expect(ports('[]').allows('x/b', 'x/a', 'ICMP')).toBe(true);
    expect(ports('[]').allows('x/b@6', 'x/a@6', 'ICMP')).toBe(true);
    expect(world('').allows('x/b', 'x/a', 'ICMP')).toBe(true);
    expect(world(policy('{podSelector: {}}')).allows('x/b', 'x/a', 'ICMP')).toBe(false);
  });
});
