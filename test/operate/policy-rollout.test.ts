import { expect, test } from 'vitest';
import { nodePolicyStatus, refusedLimit, type NodePolicyStatus } from '../../src/agent/node-status.ts';
import { decodeStatus } from '../../src/operate/listed-objects.ts';
import { rolloutReport, staleAfterMs } from '../../src/operate/policy-rollout.ts';

const now = Date.parse('2026-01-01T12:00:00Z');
const well: NodePolicyStatus = {
  agentVersion: '0.1.0',
  engine: 'ebpf',
  realisedResourceVersion: '100',
  policies: 1,
  localPods: 3,
  refusedPolicies: 0,
  refused: [],
  conditions: [
    {
      type: 'Api',
      status: 'True',
      reason: 'Watching',
      message: '',
      lastTransitionTime: '2026-01-01T11:00:00Z',
    },
  ],
  heartbeat: '2026-01-01T11:59:30Z',
};
const policy = { key: 'shop/cart', resourceVersion: '99', changed: '2026-01-01T11:30:00Z' };
const refusal = {
  policy: 'shop/cart',
  code: 'DATAPATH_FULL',
  message: 'full',
  enforced: 'closed',
  since: '2026-01-01T11:31:00Z',
} as const;

const report = (status: Partial<NodePolicyStatus> | undefined, version = '99') =>
  rolloutReport(
    [status ? { name: 'n1', status: { ...well, ...status } } : { name: 'n1' }],
    [{ ...policy, resourceVersion: version }],
    now,
  );

test('a policy is realised where the node has read at least its version', () => {
  expect(report({}).ok).toBe(true);
  expect(report({}, '100').policies[0]?.realised).toEqual(['n1']);
});

test('versions are compared as numbers, not as text', () => {
  expect(report({ realisedResourceVersion: '100' }, '99').ok).toBe(true);
  expect(report({ realisedResourceVersion: '99' }, '100').policies[0]?.pending).toEqual([
    { node: 'n1', reason: 'not in the kernel yet', since: policy.changed },
  ]);
});

test('versions that cannot be compared are not taken as realised', () => {
  expect(report({}, 'abc').policies[0]?.realised).toEqual([]);
});

test('a refused policy is refused with its reason, and an older version of it does not hide a newer one', () => {
  const { policy: _, ...rest } = refusal;
  expect(report({ refused: [refusal] })).toMatchObject({
    ok: false,
    policies: [{ realised: [], pending: [], refused: [{ node: 'n1', ...rest }] }],
  });
  expect(report({ refused: [refusal] }, '101').policies[0]?.pending).toHaveLength(1);
});

test('where a node names no more refusals, a policy that it does not name may be one of them', () => {
  const refused = Array.from({ length: refusedLimit }, (_, index) => ({
    ...refusal,
    policy: `other/${index}`,
  }));
  const ofBefore = { refused, refusedPolicies: refusedLimit + 1 };
  expect(report(ofBefore).policies[0]).toMatchObject({ realised: [], pending: [{ node: 'n1' }] });
  expect(report({ ...ofBefore, unnamedIn: ['shop'] }).policies[0]).toMatchObject({ realised: [] });
});

test('a namespace with more refusals than a node names hides its own only', () => {
  const { policy: _, since, ...reason } = refusal;
  const one = { ...reason, since: Date.parse(since) };
  const many = Array.from(
    { length: 2 * refusedLimit },
    (_none, index) => [`NetworkPolicy/greedy/${index}`, one] as const,
  );
  const status = nodePolicyStatus(
    {
      agentVersion: '0.1.0',
      engine: 'ebpf',
      realisedResourceVersion: '100',
      policies: 1002,
      localPods: 3,
      refusals: new Map([...many, ['NetworkPolicy/shop/refused', one]]),
      conditions: new Map(),
    },
    new Date(now),
  );
  const keys = ['shop/cart', 'shop/refused', 'greedy/0', 'greedy/999'];
  const { policies } = rolloutReport(
    [{ name: 'n1', status: decodeStatus({ status }) }],
    keys.map((key) => ({ ...policy, key })),
    now,
  );
  const states = policies.map(({ realised, pending, refused }) => [
    realised.length,
    pending.length,
    refused.length,
  ]);
  expect(states).toEqual([
    [1, 0, 0],
    [0, 0, 1],
    [0, 0, 1],
    [0, 1, 0],
  ]);
});

test.each([
  ['no agent', undefined],
  ['starting', { realisedResourceVersion: '' }],
  ['stale', { heartbeat: new Date(now - staleAfterMs).toISOString() }],
  ['stale', { heartbeat: '' }],
] as const)('a node that is %s has no policy in force', (state, status) => {
  expect(report(status)).toMatchObject({ ok: false, nodes: [{ state, realised: 0, pending: 1 }] });
});

test('a degraded node enforces, since when and why it is so is told, and not all is well', () => {
  const trouble = {
    type: 'Datapath',
    status: 'False',
    reason: 'Drift',
    message: 'a link is gone',
    lastTransitionTime: '2026-01-01T11:40:00Z',
  } as const;
  expect(report({ conditions: [...well.conditions, trouble] })).toMatchObject({
    ok: false,
    nodes: [
      {
        state: 'degraded',
        since: trouble.lastTransitionTime,
        realised: 1,
        problems: ['Datapath: Drift: a link is gone'],
      },
    ],
  });
});
