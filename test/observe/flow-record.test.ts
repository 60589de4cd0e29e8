import { describe, expect, test } from 'vitest';
import { formatFlowItem } from '../../src/observe/flow-format.ts';
import { toFlowRecord } from '../../src/observe/flow-record.ts';
import type { FlowRecord } from '../../src/observe/flow-record.ts';
import { policy } from '../policy/world.ts';
import { eventOn, snapshotOf, tcp } from './observed.ts';

const policies =
  policy(
    `
    podSelector: {matchLabels: {pod: web}}
    ingress:
      - from: [{podSelector: {matchLabels: {pod: client}}}]
        ports: [{port: 80}]`,
    'web',
  ) +
  policy(
    `
    podSelector: {matchLabels: {pod: client}}
    policyTypes: [Egress]
    egress:
      - to: [{podSelector: {}}]`,
    'client',
  );
const snapshot = snapshotOf(policies);
const record = (flow: ReturnType<typeof tcp>) => toFlowRecord([eventOn('n1', snapshot, flow)]);
const line = (flow: ReturnType<typeof tcp>) => formatFlowItem({ kind: 'flow', record: record(flow) });

describe('of a policy that is refused', () => {
  const refusal = { code: 'DATAPATH_FULL', message: 'no room', since: 0 };
  const told = (enforced: 'previous' | 'closed', port: number) => {
    const refusals = new Map([['NetworkPolicy/x/web', { ...refusal, enforced }]]);
    return toFlowRecord([eventOn('n1', { ...snapshot, refusals }, tcp('client', 'web', port))]);
  };
  const text = (flow: FlowRecord) => formatFlowItem({ kind: 'flow', record: flow });

  test('a deny says that it is closed, and why', () => {
    const denied = told('closed', 81);
    expect(denied.decisions[1]?.isolatedBy).toEqual([
      expect.objectContaining({
        policy: 'x/web',
        refused: { code: 'DATAPATH_FULL', message: 'no room', enforced: 'closed' },
      }),
    ]);
    expect(denied.decisions[0]?.isolatedBy[0]).not.toHaveProperty('refused');
    expect(text(denied)).toContain(
      'no rule matches; isolated by x/web (policies.yaml:2:1), which is refused and closes its pods: DATAPATH_FULL: no room',
    );
  });

  test('whatever the version before decides is said to be of the version before', () => {
    const which = 'which is refused, the version before holds: DATAPATH_FULL: no room';
    expect(text(told('previous', 81))).toContain(
      `isolated by x/web (policies.yaml:2:1), ${which}; closest: `,
    );
    const allowed = told('previous', 80);
    expect(allowed.decisions[1]?.rule).toMatchObject({ refused: { enforced: 'previous' } });
    expect(text(allowed)).toMatch(
      new RegExp(`NetworkPolicy x/web, ingress rule 1 \\(policies\\.yaml:8:7\\), ${which}$`),
    );
  });
});

describe('one event', () => {
  test('allowed by a rule in each direction', () => {
    expect(record(tcp('client', 'web', 80))).toEqual({
      time: '2026-01-02T03:04:05.678Z',
      verdict: 'allowed',
      protocol: 'TCP',
      source: { kind: 'pod', name: 'x/client', address: '10.244.1.1', port: 40_000 },
      destination: { kind: 'pod', name: 'x/web', address: '10.244.1.2', port: 80 },
      decisions: [
        {
          direction: 'egress',
          node: 'n1',
          allowed: true,
          reason: 'rule',
          rule: expect.objectContaining({ policy: 'x/client', ruleIndex: 0 }) as unknown,
          isolatedBy: [expect.objectContaining({ policy: 'x/client' })],
          nearMisses: [],
        },
        {
          direction: 'ingress',
          node: 'n1',
          allowed: true,
          reason: 'rule',
          rule: {
            policy: 'x/web',
            ruleIndex: 0,
            text: 'NetworkPolicy x/web, ingress rule 1',
            position: 'policies.yaml:8:7',
          },
          isolatedBy: [expect.objectContaining({ policy: 'x/web', position: 'policies.yaml:2:1' })],
          nearMisses: [],
        },
      ],
    });
  });

  test('denied on ingress: the policies that isolate, and what came closest', () => {
    const { verdict, decisions } = record(tcp('client', 'web', 81));
    expect(verdict).toBe('denied');
    expect(decisions.map(({ direction, allowed }) => [direction, allowed])).toEqual([
      ['egress', true],
      ['ingress', false],
    ]);
    expect(decisions[1]?.nearMisses).toEqual([
      {
        rule: expect.objectContaining({ policy: 'x/web' }) as unknown,
        detail: expect.stringContaining('TCP 80') as unknown,
      },
    ]);
    expect(line(tcp('client', 'web', 81))).toMatch(
      /^03:04:05\.678 {2}x\/client:40000 → x\/web:81 {2}TCP {2}DENIED {2}ingress: no rule matches; isolated by x\/web \(policies\.yaml:\d+:\d+\); closest: NetworkPolicy x\/web, ingress rule 1 \(.*\): the peer matches, but only TCP 80 is allowed/,
    );
  });

  test('denied on egress leaves ingress unjudged', () => {
    const { verdict, destination, decisions } = record(tcp('client', 'outside', 443));
    expect(verdict).toBe('denied');
    expect(destination).toEqual({ kind: 'external', name: '192.0.2.1', address: '192.0.2.1', port: 443 });
    expect(decisions.map(({ direction, reason }) => [direction, reason])).toEqual([
      ['egress', 'default-deny'],
    ]);
  });

  test('from outside only ingress is judged', () => {
    expect(record(tcp('outside', 'client', 80)).decisions).toEqual([
      {
        direction: 'ingress',
        node: 'n1',
        allowed: true,
        reason: 'not-isolated',
        isolatedBy: [],
        nearMisses: [],
      },
    ]);
    expect(line(tcp('outside', 'client', 80))).toContain('ALLOWED  ingress: no policy selects the pod');
  });

  test('ICMP has no ports', () => {
    const { protocol, source, destination } = record({ ...tcp('outside', 'client', 0), protocol: 1 });
    expect([protocol, 'port' in source, 'port' in destination]).toEqual(['ICMP', false, false]);
  });
});

test('lost events have a line of their own', () => {
  expect(formatFlowItem({ kind: 'lost', events: 3 })).toContain('LOST 3 events');
});
