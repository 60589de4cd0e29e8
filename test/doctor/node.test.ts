/** The agent, the gate and the API server, as `bulkhead doctor` finds them: well, and away. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { requiredRights } from '../../src/agent/required-rights.ts';
import { checkAgent } from '../../src/doctor/agent-checks.ts';
import { checkApi } from '../../src/doctor/api-checks.ts';
import type { Finding } from '../../src/doctor/finding.ts';
import { bulkhead } from '../cli/run-in-process.ts';
import { ApiClient } from '../cluster/api/client.ts';
import { startControlPlane, type ControlPlane } from '../cluster/control-plane/control-plane.ts';
import { lightParts } from '../cluster/parts/catalogue.ts';
import { reasonToSkip } from '../cluster/parts/reason-to-skip.ts';

const statesOf = (findings: readonly Finding[]): Record<string, string> =>
  Object.fromEntries(findings.map(({ check, state }) => [check, state]));

describe('an agent', () => {
  let directory = '';
  let server: Server | undefined;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'bulkhead-doctor-node-'));
    mkdirSync(join(directory, 'bin'));
    chain('ptp');
  });

  afterEach(async () => {
    const running = server;
    server = undefined;
    if (running) await new Promise((resolve) => void running.close(resolve));
    rmSync(directory, { recursive: true });
  });

  function chain(...types: readonly string[]): void {
    const plugins = types.map((type) => ({ type }));
    writeFileSync(join(directory, '10-pods.conflist'), JSON.stringify({ plugins }));
  }

  async function says(status: object): Promise<void> {
    server = createServer((_, response) => response.end(JSON.stringify(status)));
    await new Promise<void>((resolve) => void server?.listen(join(directory, 'debug.sock'), resolve));
  }

  const check = async () =>
    checkAgent({
      runDirectory: directory,
      bpffs: directory,
      cniDirectory: directory,
      cniPluginDirectory: join(directory, 'bin'),
    });

  const well = {
    agentVersion: '1',
    engine: 'ebpf',
    realisedResourceVersion: '7',
    policies: 2,
    localPods: 3,
    conditions: [{ type: 'Api', status: 'True', reason: 'Watching', message: '', lastTransitionTime: '' }],
  };

  test('that is well is', async () => {
    await says(well);
    expect(statesOf(await check())).toEqual({ agent: 'ok', gate: 'ok' });
  });

  test('that complains is quoted', async () => {
    const failing = {
      type: 'Network',
      status: 'False',
      reason: 'CNI_BRIDGE_UNSEEN',
      message: 'off',
      lastTransitionTime: '',
    };
    await says({ ...well, conditions: [...well.conditions, failing] });
    expect(statesOf(await check())).toEqual({ agent: 'ok', 'agent: network': 'problem', gate: 'ok' });
  });

  test('that has not read the cluster is not well', async () => {
    await says({ ...well, realisedResourceVersion: '' });
    expect(statesOf(await check())).toMatchObject({ agent: 'problem' });
  });

  test('that is away is a problem, more so with a gate that waits for it', async () => {
    expect((await check())[0]?.state).not.toBe('ok');
    chain('ptp', 'bulkhead-gate');
    const gate = (await check()).at(-1);
    expect(gate).toMatchObject({ check: 'gate', state: 'problem' });
    expect(gate?.result).toContain('new pods do not start');
  });

  test('with a gate whose program is gone is a problem', async () => {
    await says(well);
    chain('ptp', 'bulkhead-gate');
    expect(statesOf(await check())).toEqual({ agent: 'ok', gate: 'problem' });
    writeFileSync(join(directory, 'bin/bulkhead-gate'), '');
    expect(statesOf(await check())).toEqual({ agent: 'ok', gate: 'ok' });
  });
});

const reason = reasonToSkip(lightParts);

describe.skipIf(reason !== undefined)(`the API server${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let controlPlane: ControlPlane;
  let api: ApiClient;

  beforeAll(async () => {
    controlPlane = await startControlPlane();
    api = new ApiClient(controlPlane.kubeconfig);
    await api.must('POST', '/api/v1/nodes', {
      metadata: { name: 'n1' },
      spec: { podCIDRs: ['10.0.0.0/24'] },
    });
  });

  afterAll(async () => {
    api?.close();
    await controlPlane?.stop();
  });

  test('that answers tells of the node; one that does not is a problem', async () => {
    const { findings, node } = await checkApi('n1', { kubeconfig: controlPlane.kubeconfig });
    expect(statesOf(findings)).toEqual({ 'API server': 'ok', rights: 'ok' });
    expect(node?.podCIDRs.map(({ text }) => text)).toEqual(['10.0.0.0/24']);
    const unknown = await checkApi('n2', { kubeconfig: controlPlane.kubeconfig });
    expect(statesOf(unknown.findings)).toEqual({ 'API server': 'problem', rights: 'ok' });
    expect(unknown.findings[0]).toMatchObject({
      result: 'answers, but has no Node n2: its nodes are n1',
      advice: expect.stringContaining('--node-name') as string,
    });
    const nowhere = await checkApi('n1', { kubeconfig: '/nonexistent' });
    expect(statesOf(nowhere.findings)).toEqual({ 'API server': 'problem' });
  });

  test('is asked whether the account may do each thing that the agent does', async () => {
    const kubeconfig = await controlPlane.kubeconfigFor('agent', { user: 'agent', groups: [] });
    const rules = requiredRights.map((right) => ({
      ...right,
      verbs: right.verbs.filter((verb) => verb !== 'patch' || right.resources.includes('events')),
    }));
    const metadata = { name: 'agent' };
    const rbac = '/apis/rbac.authorization.k8s.io/v1';
    await api.must('POST', `${rbac}/clusterroles`, { metadata, rules });
    await api.must('POST', `${rbac}/clusterrolebindings`, {
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'agent' },
      subjects: [{ kind: 'User', name: 'agent', apiGroup: 'rbac.authorization.k8s.io' }],
    });
    await expect
      .poll(
        async () => (await checkApi('n1', { kubeconfig })).findings.find(({ check }) => check === 'rights'),
        {
          timeout: 30_000,
        },
      )
      .toMatchObject({ state: 'problem', result: 'this account may not: patch nodepolicystatuses' });
  });

  test('and all else is one table, with what to do below it, or objects', async () => {
    const args = [
      'doctor',
      '--node-name',
      'n1',
      '--kubeconfig',
      controlPlane.kubeconfig,
      '--run-dir',
      '/nonexistent',
    ];
    const { code, stdout } = await bulkhead(args);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^CHECK +STATE +RESULT\n/);
    expect(stdout).toMatch(/API server +ok +answers, and knows Node n1 with 0 pods/);
    expect(stdout).toContain('WHAT TO DO');
    const json = await bulkhead([...args, '-o', 'json']);
    expect(JSON.parse(json.stdout)).toMatchObject({
      ok: false,
      findings: expect.arrayContaining([]) as unknown,
    });
  });
});
