/** The light form: an API server alone, with real parts. Skipped where they would have to be built first. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startChurn } from './api/churn.ts';
import { ApiClient } from './api/client.ts';
import { fillStore } from './api/fill-store.ts';
import { createRunningPod, fillCluster } from './api/fill.ts';
import { madeUpPod, shapeOf } from './api/made-up-objects.ts';
import { startControlPlane, type ControlPlane } from './control-plane/control-plane.ts';
import { sweepDeadOwners } from './control-plane/owned-directory.ts';
import { isAlive, waitForEnd, type ProcessIdentity } from './process/identity.ts';
import { reasonToSkip } from './parts/reason-to-skip.ts';
import { lightParts } from './parts/catalogue.ts';

const reason = reasonToSkip(lightParts);

describe.skipIf(reason !== undefined)(`an API server alone${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let controlPlane: ControlPlane;
  let client: ApiClient;

  beforeAll(async () => {
    controlPlane = await startControlPlane();
    client = new ApiClient(controlPlane.kubeconfig);
  });

  afterAll(async () => {
    client?.close();
    await controlPlane?.stop();
  });

  test('serves, validates, and knows who asks', async () => {
    await client.must('POST', '/api/v1/namespaces', { metadata: { name: 'one' } });
    const invalid = await client.request('POST', '/api/v1/namespaces', { metadata: { name: 'Not A Name' } });
    expect(invalid.status).toBe(422);
    const nobody = new ApiClient(await controlPlane.kubeconfigFor('nobody', { user: 'nobody' }));
    expect((await nobody.request('GET', '/api/v1/namespaces')).status).toBe(403);
    nobody.close();
  });

  test('lets service accounts in by tokens that it signed', async () => {
    const account = '/api/v1/namespaces/default/serviceaccounts';
    await client.must('POST', account, { metadata: { name: 'somebody' } });
    const { status } = (await client.must('POST', `${account}/somebody/token`, {})) as {
      status: { token: string };
    };
    const review = { spec: { token: status.token } };
    const answer = await client.must('POST', '/apis/authentication.k8s.io/v1/tokenreviews', review);
    expect(answer).toMatchObject({
      status: { authenticated: true, user: { username: 'system:serviceaccount:default:somebody' } },
    });
  });

  test('holds made-up pods that run and have addresses of their node, and policies', async () => {
    const shape = shapeOf({ pods: 60, nodes: 3, namespaces: 2, policies: 5, families: ['IPv4', 'IPv6'] });
    await fillCluster(client, shape);
    const pods = await list(client, '/api/v1/pods');
    expect(pods).toHaveLength(60);
    expect(new Set(pods.flatMap(({ status }) => (status?.podIPs ?? []).map(({ ip }) => ip))).size).toBe(120);
    expect(pods.every(({ status }) => status?.phase === 'Running')).toBe(true);
    expect(await list(client, '/apis/networking.k8s.io/v1/networkpolicies')).toHaveLength(5);

    const churn = startChurn(client, shape, 300);
    await until(async () => {
      const now = new Set((await list(client, '/api/v1/pods')).map(({ metadata }) => metadata.name));
      return pods.filter(({ metadata }) => !now.has(metadata.name)).length >= 20;
    });
    expect(await churn.stop()).toBeGreaterThanOrEqual(40);
    const changed = await list(client, '/api/v1/pods');
    expect(changed).toHaveLength(60);
    expect(new Set(changed.map(({ status }) => status?.podIPs?.[0]?.ip)).size).toBe(60);
  });

  test('finds in its store what is put there, as if it had made it itself', async () => {
    const other = await startControlPlane();
    const itsClient = new ApiClient(other.kubeconfig);
    try {
      const shape = shapeOf({ pods: 300, nodes: 3, namespaces: 2, policies: 20, families: ['IPv4', 'IPv6'] });
      await fillStore(other.etcdUrl, itsClient, shape);
      const pods = await list(itsClient, '/api/v1/pods');
      expect(pods).toHaveLength(300);
      expect(new Set(pods.map(({ status }) => status?.podIPs?.[0]?.ip)).size).toBe(300);
      expect(await list(itsClient, '/api/v1/nodes')).toHaveLength(3);
      expect(await list(itsClient, '/apis/networking.k8s.io/v1/networkpolicies')).toHaveLength(20);
      // It takes them again as they are, and one that it is given looks like them.
      const [written, given] = [madeUpPod(shape, 7), madeUpPod(shape, 7, 1)];
      await createRunningPod(itsClient, given);
      const pathOf = ({ namespace, name }: typeof given) => `/api/v1/namespaces/${namespace}/pods/${name}`;
      const object = await itsClient.must('GET', pathOf(written));
      await itsClient.must('PUT', pathOf(written), object);
      expect(shapeOfJson(await itsClient.must('GET', pathOf(given)))).toEqual(shapeOfJson(object));
    } finally {
      itsClient.close();
      await other.stop();
    }
  });

  test('has everything after both parts were killed and started again, at the same address', async () => {
    await client.must('POST', '/api/v1/namespaces', { metadata: { name: 'survivor' } });
    const before = controlPlane.apiserver.identity;
    await controlPlane.apiserver.restart();
    expect(controlPlane.apiserver.identity).not.toEqual(before);
    await controlPlane.apiserver.kill();
    await expect(client.request('GET', '/api/v1/namespaces/survivor')).rejects.toThrow(
      /ECONN(REFUSED|RESET)/,
    );
    await controlPlane.etcd.restart();
    await controlPlane.apiserver.start();
    await client.must('GET', '/api/v1/namespaces/survivor');
  });

  test('answers nothing while it is paused, and goes on afterwards', async () => {
    await controlPlane.apiserver.pause();
    let answered = false;
    const answer = client.must('GET', '/api/v1/namespaces/default').then(() => (answered = true));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(answered).toBe(false);
    controlPlane.apiserver.resume();
    await answer;
  });

  test('is gone with its processes and its folder when its owner is killed', async () => {
    const owner = spawn(process.execPath, [join(import.meta.dirname, 'control-plane/owner.ts')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const { value: line } = await createInterface(owner.stdout)[Symbol.asyncIterator]().next();
    const { directory, processes } = JSON.parse(String(line)) as {
      directory: string;
      processes: ProcessIdentity[];
    };
    expect(processes.map(isAlive)).toEqual([true, true]);
    owner.kill('SIGKILL');
    expect(await Promise.all(processes.map(async (one) => waitForEnd(one, 10_000)))).toEqual([true, true]);
    expect(existsSync(directory)).toBe(true);
    await new Promise((resolve) =>
      owner.exitCode === null && owner.signalCode === null ? owner.once('exit', resolve) : resolve(undefined),
    );
    expect(await sweepDeadOwners()).toContain(directory);
    expect(existsSync(directory)).toBe(false);
    expect(existsSync(controlPlane.directory)).toBe(true);
  });
});

interface ListedPod {
  readonly metadata: { readonly name: string };
  readonly status?: { readonly phase?: string; readonly podIPs?: readonly { readonly ip: string }[] };
}

async function list(client: ApiClient, path: string): Promise<readonly ListedPod[]> {
  return ((await client.must('GET', path)) as { items: ListedPod[] }).items;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Which fields it has, whatever is in them. */
function shapeOfJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOfJson);
  if (typeof value !== 'object' || value === null) return typeof value;
  const fields = Object.entries(value).filter(([key]) => key !== 'managedFields');
  return Object.fromEntries(fields.map(([key, inner]) => [key, shapeOfJson(inner)]));
}
