/** Against a real API server; skipped where its parts would have to be built first. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lightParts } from '../cluster/parts/catalogue.ts';
import { reasonToSkip } from '../cluster/parts/reason-to-skip.ts';
import { ReportedCluster } from '../operate/reported-cluster.ts';
import { bulkhead } from './run-in-process.ts';

const reason = reasonToSkip(lightParts);

test('without a cluster the error is coded', async () => {
  const { code, stderr } = await bulkhead(['status', '--kubeconfig', '/nonexistent']);
  expect(code).toBe(2);
  expect(stderr).toContain('error KUBERNETES_');
});

describe.skipIf(reason !== undefined)(`bulkhead status${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let cluster: ReportedCluster;
  const status = (...args: string[]) =>
    bulkhead(['status', ...args, '--kubeconfig', cluster.controlPlane.kubeconfig]);

  beforeAll(async () => {
    cluster = await ReportedCluster.start();
  });

  afterAll(async () => cluster?.stop());

  test('tells a cluster without Bulkhead, then where a policy is in force and where it is not', async () => {
    const absent = await status();
    expect(absent.code).toBe(2);
    expect(absent.stderr).toContain('BULKHEAD_NOT_INSTALLED');

    await cluster.install();
    for (const name of ['n1', 'n2']) await cluster.createNode(name);
    const realisedResourceVersion = await cluster.setPolicy('deny', { podSelector: {} });
    await cluster.report('n1', { realisedResourceVersion });

    const half = await status('policies');
    expect(half.code).toBe(1);
    expect(half.stdout).toMatch(/^1 of 2 nodes ready; 0 of 1 policies in force on every node\.$/m);
    expect(half.stdout).toMatch(/^default\/deny +1 +1 +0$/m);
    expect(half.stdout).toMatch(/^default\/deny: pending on n2 since .*: no agent on this node$/m);

    await cluster.report('n2', { realisedResourceVersion });
    const all = await status();
    expect(all.code).toBe(0);
    expect(all.stdout).toMatch(/^n2 +ready +ebpf +0\.1\.0 +2 +1 +0 +0/m);
    const json = await status('-o', 'json');
    expect(JSON.parse(json.stdout)).toMatchObject({
      ok: true,
      policies: [{ policy: 'default/deny', realised: ['n1', 'n2'] }],
    });
    const empty = await status('policies', '-n', 'kube-system');
    expect(empty.stdout).toMatch(/^2 of 2 nodes ready; 0 of 0 policies/m);
    const mistyped = await status('policies', '-n', 'elsewhere');
    expect([mistyped.code, mistyped.stdout]).toEqual([2, '']);
    expect(mistyped.stderr).toContain('KUBERNETES_NOT_FOUND');
  });

  test('a node whose agent has a pod is what its pod is, however fresh its report', async () => {
    const agentNamespace = 'bulkhead-agents';
    const pods = `/api/v1/namespaces/${agentNamespace}/pods`;
    const merge = 'application/merge-patch+json';
    const realisedResourceVersion = await cluster.setPolicy('deny', { podSelector: {} });
    await cluster.api.must('POST', '/api/v1/namespaces', { metadata: { name: agentNamespace } });
    for (const node of ['n1', 'n2']) await cluster.report(node, { realisedResourceVersion, agentNamespace });
    await cluster.api.must('POST', pods, {
      metadata: {
        name: 'bulkhead-1',
        labels: { 'app.kubernetes.io/name': 'bulkhead', 'app.kubernetes.io/component': 'agent' },
      },
      spec: {
        nodeName: 'n1',
        containers: [{ name: 'agent', image: 'bulkhead' }],
        automountServiceAccountToken: false,
      },
    });
    const podIs = (ready: 'True' | 'False') => ({
      status: {
        phase: 'Running',
        conditions: [{ type: 'Ready', status: ready }],
        containerStatuses: [
          {
            name: 'agent',
            image: 'bulkhead',
            imageID: 'bulkhead',
            containerID: 'containerd://1',
            ready: ready === 'True',
            restartCount: 0,
            state: { running: { startedAt: new Date().toISOString() } },
          },
        ],
      },
    });
    const starting = await status();
    expect(starting.stdout).toMatch(/^n1 +stale/m);
    expect(starting.stdout).toMatch(
      /^n1: the agent's pod bulkhead-agents\/bulkhead-1 does not run: Pending; it last said something at /m,
    );

    await cluster.api.must('PATCH', `${pods}/bulkhead-1/status`, podIs('True'), merge);
    const gone = await status();
    expect(gone.code).toBe(1);
    expect(gone.stdout).toMatch(/^n1 +ready/m);
    expect(gone.stdout).toMatch(/^n2 +stale/m);
    expect(gone.stdout).toMatch(/^n2: the agent's pod is gone; it last said something at .*Z$/m);
    expect((await status('policies')).stdout).toMatch(
      /^default\/deny: pending on n2 since .*: the agent's pod is gone; /m,
    );

    await cluster.api.must('PATCH', `${pods}/bulkhead-1/status`, podIs('False'), merge);
    const unready = await status();
    expect(unready.stdout).toMatch(/^n1 +degraded/m);
    expect(unready.stdout).toMatch(/^n1: the agent's pod bulkhead-agents\/bulkhead-1 is not ready$/m);

    await cluster.api.must('PATCH', `${pods}/bulkhead-1/status`, podIs('True'), merge);
    await cluster.api.must('DELETE', `${pods}/bulkhead-1`);
    const ending = await status();
    expect(ending.stdout).toMatch(/^n1 +degraded +ebpf +0\.1\.0 +2 +1 +0 +0/m);
    expect(ending.stdout).toMatch(/^n1: the agent's pod bulkhead-agents\/bulkhead-1 is being deleted$/m);
  });

  test('who may not list the pods of agents is told what the agents report', async () => {
    const kubeconfig = await cluster.controlPlane.kubeconfigFor('reader', { user: 'reader' });
    const roles = '/apis/rbac.authorization.k8s.io/v1';
    const group = 'rbac.authorization.k8s.io';
    const resources = ['nodes', 'networkpolicies', 'nodepolicystatuses'];
    await cluster.api.must('POST', `${roles}/clusterroles`, {
      metadata: { name: 'reader' },
      rules: [{ apiGroups: ['*'], resources, verbs: ['list'] }],
    });
    await cluster.api.must('POST', `${roles}/clusterrolebindings`, {
      metadata: { name: 'reader' },
      roleRef: { apiGroup: group, kind: 'ClusterRole', name: 'reader' },
      subjects: [{ apiGroup: group, kind: 'User', name: 'reader' }],
    });
    const { code, stdout } = await bulkhead(['status', '--kubeconfig', kubeconfig]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^n2 +ready/m);
  });
});
