/** Against a real API server; skipped where its parts would have to be built first. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bulkhead } from '../cli/run-in-process.ts';
import { parsePolicyNames } from '../../src/cli/policy-names.ts';
import { lightParts } from '../cluster/parts/catalogue.ts';
import { reasonToSkip } from '../cluster/parts/reason-to-skip.ts';
import { ReportedCluster } from './reported-cluster.ts';

const reason = reasonToSkip(lightParts);

test.each(['', 'policy/', 'policy/a/b/c', 'a/b/c', '/b'])('%j names no policy', async (name) => {
  const { code, stderr } = await bulkhead(['wait', name, '--kubeconfig', '/nonexistent']);
  expect(code).toBe(2);
  expect(stderr).toMatch(/CLI_INVALID_VALUE|KUBERNETES_CONFIG/);
});

test.each(['pod/web', 'pods/web', 'svc/web', 'Deployment/web', 'deployment.apps/web', 'nodes/n1'])(
  '%j is told to be no policy',
  (name) => {
    expect(() => parsePolicyNames(['policy/deny', name], 'default')).toThrow(
      /can't be waited for[^]*policy\/NAME/,
    );
  },
);

test('a policy may have the name of a type, and be in a namespace that has one', () => {
  expect(parsePolicyNames(['pod', 'policy/pod', 'policy/pod/deny', 'shop/pod'], 'default')).toEqual([
    { namespace: 'default', name: 'pod' },
    { namespace: 'pod', name: 'deny' },
    { namespace: 'shop', name: 'pod' },
  ]);
});

describe.skipIf(reason !== undefined)(`bulkhead wait${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let cluster: ReportedCluster;
  const wait = (...args: string[]) =>
    bulkhead(['wait', ...args, '--kubeconfig', cluster.controlPlane.kubeconfig]);

  beforeAll(async () => {
    cluster = await ReportedCluster.start();
  });

  afterAll(async () => cluster?.stop());

  test('says that Bulkhead is not installed, and later that there is no such policy', async () => {
    const absent = await wait('policy/deny');
    expect(absent.code).toBe(2);
    expect(absent.stderr).toContain('BULKHEAD_NOT_INSTALLED');
    await cluster.install();
    for (const node of ['n1', 'n2']) await cluster.createNode(node);
    const unknown = await wait('policy/nothing');
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain('error POLICY_NOT_FOUND: there is no NetworkPolicy default/nothing');
  });

  test('ends when the last node has the revision of each policy', async () => {
    const first = await cluster.setPolicy('first', { podSelector: {} });
    const second = await cluster.setPolicy('second', { podSelector: {} });
    await cluster.report('n1', { realisedResourceVersion: second });
    await cluster.report('n2', { realisedResourceVersion: first });
    const waiting = wait('policy/first', 'networkpolicy.networking.k8s.io/default/second', '-o', 'json');
    await cluster.report('n2', { realisedResourceVersion: second });
    const { code, stdout } = await waiting;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      goal: 'realised',
      done: true,
      policies: ['default/first', 'default/second'].map((policy) => ({
        policy,
        realised: ['n1', 'n2'],
        pending: [],
        refused: [],
      })),
    });
  });

  test('waits for the newer revision of a policy that changes meanwhile', async () => {
    const before = await cluster.setPolicy('changed', { podSelector: {} });
    const waiting = wait('policy/changed');
    const after = await cluster.setPolicy('changed', { podSelector: { matchLabels: { app: 'a' } } });
    await cluster.report('n1', { realisedResourceVersion: after });
    await cluster.report('n2', { realisedResourceVersion: before });
    await cluster.report('n2', { realisedResourceVersion: after });
    const { code, stdout } = await waiting;
    expect(stdout).toBe('default/changed is in force on every node (2).\n');
    expect(code).toBe(0);
  });

  test('says after its time which node is missing, and why', async () => {
    const version = await cluster.setPolicy('late', { podSelector: {} });
    await cluster.report('n1', { realisedResourceVersion: version });
    const { code, stdout } = await wait('late', '--timeout=300ms');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^Not after 0\.3 s: 0 of 1 policy is in force on every node\.$/m);
    expect(stdout).toMatch(/^default\/late +1 +1 +0$/m);
    expect(stdout).toMatch(/^default\/late: pending on n2 since .*: not in the kernel yet$/m);
  });

  test('ends when what is left has been refused, and stays so', async () => {
    const version = await cluster.setPolicy('refused', { podSelector: {} });
    const since = new Date().toISOString();
    const refusal = { policy: 'default/refused', code: 'DATAPATH_FULL', message: 'full', since } as const;
    await cluster.report('n1', { realisedResourceVersion: version });
    await cluster.report('n2', {
      realisedResourceVersion: version,
      refusedPolicies: 1,
      refused: [{ ...refusal, enforced: 'closed' }],
    });
    const { code, stdout } = await wait('policy/refused', '--timeout=1h');
    expect(code).toBe(1);
    expect(stdout).toContain('Refused: 0 of 1 policy is in force on every node.');
    expect(stdout).toContain('default/refused: refused on n2 since ');
    expect(stdout).toContain('DATAPATH_FULL: full; the pods that it selects are closed');
  });

  test('a refusal that was the one of the agent before is none', async () => {
    const version = await cluster.setPolicy('larger', { podSelector: {} });
    const since = new Date().toISOString();
    const refusal = { policy: 'default/larger', code: 'DATAPATH_FULL', message: 'full', since } as const;
    await cluster.report('n1', { realisedResourceVersion: version });
    const refused = { refusedPolicies: 1, refused: [{ ...refusal, enforced: 'closed' }] } as const;
    await cluster.report('n2', { realisedResourceVersion: version, ...refused });
    const waiting = wait('policy/larger');
    await sleep(700);
    await cluster.report('n2', { realisedResourceVersion: version });
    expect(await waiting).toMatchObject({
      code: 0,
      stdout: 'default/larger is in force on every node (2).\n',
    });
  });

  test('with --for=deleted waits until no node has it, be it deleted before or meanwhile', async () => {
    const there = await cluster.setPolicy('gone', { podSelector: {} });
    for (const node of ['n1', 'n2']) await cluster.report(node, { realisedResourceVersion: there });
    const still = await wait('policy/gone', '--for=deleted', '--timeout=200ms');
    expect(still.code).toBe(1);
    expect(still.stdout).toContain('pending on n1 since ');
    expect(still.stdout).toContain('the policy is still there');

    await cluster.deletePolicy('gone');
    // The next change of any policy comes after the deletion: a node that has it, has that, too.
    const later = await cluster.setPolicy('other', { podSelector: {} });
    await cluster.report('n1', { realisedResourceVersion: later });
    const half = await wait('policy/gone', '--for=deleted', '--timeout=6s', '-o', 'json');
    expect(half.code).toBe(1);
    expect(JSON.parse(half.stdout)).toMatchObject({
      policies: [{ realised: ['n1'], pending: [{ node: 'n2', reason: 'not in the kernel yet' }] }],
    });
    await cluster.report('n2', { realisedResourceVersion: later });
    const all = await wait('policy/gone', '--for=deleted');
    expect(all.stdout).toBe('default/gone is gone from every node (2).\n');
    expect(all.code).toBe(0);
  });

  test('where no policy has changed since the deletion, its revision is enough', async () => {
    await cluster.setPolicy('last', { podSelector: {} });
    await cluster.deletePolicy('last');
    const { body } = await cluster.api.request(
      'GET',
      '/apis/networking.k8s.io/v1/networkpolicies?watch=1&resourceVersion=1&timeoutSeconds=1',
    );
    const deletion = String(body)
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; object: { metadata: { resourceVersion: string } } })
      .findLast(({ type }) => type === 'DELETED');
    const version = deletion?.object.metadata.resourceVersion ?? '';
    for (const node of ['n1', 'n2']) await cluster.report(node, { realisedResourceVersion: version });
    const { code, stdout } = await wait('policy/last', '--for=deleted', '--timeout=20s');
    expect(stdout).toBe('default/last is gone from every node (2).\n');
    expect(code).toBe(0);
  });

  test('names the right that is missing', async () => {
    const kubeconfig = await cluster.controlPlane.kubeconfigFor('nobody', { user: 'nobody' });
    const { code, stderr } = await bulkhead(['wait', 'policy/first', '--kubeconfig', kubeconfig]);
    expect(code).toBe(2);
    expect(stderr).toContain('error KUBERNETES_FORBIDDEN');
    expect(stderr).toMatch(/cannot list resource "(networkpolicies|nodes|nodepolicystatuses)"/);
  });
});
