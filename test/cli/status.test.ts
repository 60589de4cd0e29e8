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
});
