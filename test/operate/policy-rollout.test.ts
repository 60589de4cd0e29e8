import { describe, expect, test } from 'vitest';
import { nodePolicyStatus, refusedLimit, type NodePolicyStatus } from '../../src/agent/node-status.ts';
import type { AgentPod } from '../../src/operate/agent-pods.ts';
import { agentTrouble } from '../../src/operate/agent-trouble.ts';
import type { AgentTrouble } from '../../src/operate/agent-trouble.ts';
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
      agentNamespace: undefined,
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

describe('what the API server knows of the pods of the agents', () => {
  const withTrouble = (agent: AgentTrouble, status: NodePolicyStatus | undefined = well, version = '99') =>
    rolloutReport(
      [{ name: 'n1', agent, ...(status ? { status } : {}) }],
      [{ ...policy, resourceVersion: version }],
      now,
    );

  test('an agent that runs no more says nothing any more: of its node nobody knows', () => {
    const problem = `it is gone; it last said something at ${well.heartbeat}`;
    expect(withTrouble({ isSilent: true, text: 'it is gone' })).toMatchObject({
      ok: false,
      nodes: [{ state: 'stale', since: well.heartbeat, realised: 0, pending: 1, problems: [problem] }],
      policies: [{ pending: [{ node: 'n1', reason: problem }] }],
    });
  });

  test('one that runs, and is not well, degrades its node', () => {
    expect(withTrouble({ isSilent: false, text: 'it is not ready' })).toMatchObject({
      ok: false,
      nodes: [{ state: 'degraded', realised: 1, pending: 0, problems: ['it is not ready'] }],
    });
  });

  test('of a node that never reported it says why', () => {
    const { nodes } = rolloutReport(
      [{ name: 'n1', agent: { isSilent: true, text: 'no image' } }],
      [policy],
      now,
    );
    expect(nodes).toMatchObject([
      {
        state: 'no agent',
        problems: ['no agent reports from this node: nothing is known to be enforced', 'no image'],
      },
    ]);
  });

  const running: AgentPod = {
    node: 'n1',
    namespace: 'b',
    name: 'old',
    containerId: 'containerd://1',
    reason: 'Running',
    isReady: true,
    isEnding: false,
    program: [],
    runDirectory: '',
  };
  const { containerId: _, ...created } = {
    ...running,
    name: 'new',
    reason: 'ContainerCreating',
    isReady: false,
  };

  test.each<[string, AgentTrouble | undefined, readonly AgentPod[]]>([
    ['none', { isSilent: true, text: "the agent's pod is gone" }, []],
    ['one that is well', undefined, [running]],
    ['one that is well, beside one that goes', undefined, [{ ...running, isEnding: true }, running]],
    [
      'one that goes',
      { isSilent: false, text: "the agent's pod b/old is being deleted" },
      [{ ...running, isEnding: true }],
    ],
    [
      'one that goes, and one that comes',
      { isSilent: false, text: "the agent's pod b/old is being deleted" },
      [created, { ...running, isEnding: true }],
    ],
    [
      'one that comes',
      { isSilent: true, text: "the agent's pod b/new does not run: ContainerCreating" },
      [created],
    ],
    [
      'one that is not ready',
      { isSilent: false, text: "the agent's pod b/old is not ready" },
      [{ ...running, isReady: false }],
    ],
  ])('pods of a node: %s', (_name, trouble, pods) => {
    expect(agentTrouble(pods)).toEqual(trouble);
  });
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
