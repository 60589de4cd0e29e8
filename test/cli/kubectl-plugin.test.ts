/** As a plugin of the real kubectl, against a real API server; skipped where these would have to be built first. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lightParts } from '../cluster/parts/catalogue.ts';
import { ensureParts } from '../cluster/parts/cache.ts';
import { reasonToSkip } from '../cluster/parts/reason-to-skip.ts';
import { run } from '../cluster/process/run.ts';
import { ReportedCluster } from '../operate/reported-cluster.ts';

const parts = [...lightParts, 'kubectl'] as const;
const reason = reasonToSkip(parts);
const folder = join(import.meta.dirname, '../../bin');

describe.skipIf(reason !== undefined)(`kubectl bulkhead${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let cluster: ReportedCluster;
  let program = '';

  const kubectl = (...args: string[]): Promise<string> =>
    run('env', [`PATH=${folder}:${process.env.PATH}`, program, ...args]);

  beforeAll(async () => {
    program = (await ensureParts(parts, console.log)).kubectl;
    cluster = await ReportedCluster.start();
    await cluster.install();
    await cluster.createNode('n1');
    const realisedResourceVersion = await cluster.setPolicy('deny', { podSelector: {} });
    await cluster.report('n1', { realisedResourceVersion });
  });

  afterAll(async () => cluster?.stop());

  test('is found by kubectl', async () => {
    expect(await kubectl('plugin', 'list')).toContain(join(folder, 'kubectl-bulkhead'));
  });

  test('takes the options that people know from kubectl', async () => {
    const { kubeconfig } = cluster.controlPlane;
    const status = await kubectl('bulkhead', 'status', 'policies', '--kubeconfig', kubeconfig);
    expect(status).toMatch(/^default\/deny +1 +0 +0$/m);
    const wait = ['bulkhead', 'wait', 'netpol/deny', '-n', 'default', `--kubeconfig=${kubeconfig}`];
    expect(await kubectl(...wait)).toBe('default/deny is in force on every node (1).\n');
    await expect(kubectl(...wait, '--context', 'nowhere')).rejects.toThrow('has no context "nowhere"');
  });
});
