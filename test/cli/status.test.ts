/** Against a real API server; skipped where its parts would have to be built first. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { statusApi } from '../../src/agent/node-status.ts';
import { ApiClient } from '../cluster/api/client.ts';
import { startControlPlane, type ControlPlane } from '../cluster/control-plane/control-plane.ts';
import { lightParts } from '../cluster/parts/catalogue.ts';
import { reasonToSkip } from '../cluster/parts/reason-to-skip.ts';
import { bulkhead } from './run-in-process.ts';

const { group, version, plural, kind } = statusApi;
const reason = reasonToSkip(lightParts);

/** What an installation creates. */
const definition: unknown = parse(readFileSync(join(import.meta.dirname, '../../deploy/crd.yaml'), 'utf8'));

test('without a cluster the error is coded', async () => {
  const { code, stderr } = await bulkhead(['status', '--kubeconfig', '/nonexistent']);
  expect(code).toBe(2);
  expect(stderr).toContain('error KUBERNETES_');
});

describe.skipIf(reason !== undefined)(`bulkhead status${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let controlPlane: ControlPlane;
  let client: ApiClient;
  const status = (...args: string[]) =>
    bulkhead(['status', ...args, '--kubeconfig', controlPlane.kubeconfig]);

  beforeAll(async () => {
    controlPlane = await startControlPlane();
    client = new ApiClient(controlPlane.kubeconfig);
  });

  afterAll(async () => {
    client?.close();
    await controlPlane?.stop();
  });

  test('tells a cluster without Bulkhead, then where a policy is in force and where it is not', async () => {
    const absent = await status();
    expect(absent.code).toBe(2);
    expect(absent.stderr).toContain('BULKHEAD_NOT_INSTALLED');

    await client.must('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition);
    const statuses = `/apis/${group}/${version}/${plural}`;
    await expect.poll(async () => (await client.request('GET', statuses)).status).toBe(200);
    for (const name of ['n1', 'n2']) await client.must('POST', '/api/v1/nodes', { metadata: { name } });
    const policies = '/apis/networking.k8s.io/v1/namespaces/default/networkpolicies';
    const policy = (await client.must('POST', policies, {
      metadata: { name: 'deny' },
      spec: { podSelector: {} },
    })) as { metadata: { resourceVersion: string } };
    const report = (name: string, realisedResourceVersion: string) =>
      client.must('POST', statuses, {
        apiVersion: `${group}/${version}`,
        kind,
        metadata: { name },
        status: {
          agentVersion: '0.1.0',
          engine: 'ebpf',
          realisedResourceVersion,
          policies: 1,
          localPods: 2,
          refused: [],
          conditions: [],
          heartbeat: new Date().toISOString(),
        },
      });
    await report('n1', policy.metadata.resourceVersion);

    const half = await status('policies');
    expect(half.code).toBe(1);
    expect(half.stdout).toMatch(/^1 of 2 nodes ready; 0 of 1 policies in force on every node\.$/m);
    expect(half.stdout).toMatch(/^default\/deny +1 +1 +0$/m);
    expect(half.stdout).toMatch(/^default\/deny: pending on n2 since .*: no agent on this node$/m);

    await report('n2', policy.metadata.resourceVersion);
    const all = await status();
    expect(all.code).toBe(0);
    expect(all.stdout).toMatch(/^n2 +ready +ebpf +0\.1\.0 +2 +1 +0 +0/m);
    const json = await status('-o', 'json');
    expect(JSON.parse(json.stdout)).toMatchObject({
      ok: true,
      policies: [{ policy: 'default/deny', realised: ['n1', 'n2'] }],
    });
  });
});
