/** `e2e` without a command: all of it, to the end, whatever fails on the way. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { root } from '../../../scripts/deploy/names.ts';
import { say } from '../../cluster/commands/print.ts';
import { cniKinds } from '../../cluster/node/cni-configuration.ts';
import { conformance } from './conformance.ts';
import { engineNames } from './installed-cluster.ts';
import { upstream } from './upstream.ts';

/** The tests on clusters, skipping nothing: whether they passed. */
export async function clusterTests(): Promise<boolean> {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const folders = ['test/cluster', 'test/deploy', 'test/agent', 'test/faults'];
  const files = [
    ...folders,
    ...['daemon-set', 'gate', 'cluster', 'faults', 'from-kube-router'].map((name) => `test/e2e/${name}`),
  ];
  const child = spawn(process.execPath, [vitest, 'run', '--configLoader=native', ...files], {
    cwd: root,
    env: { ...process.env, BULKHEAD_CLUSTER: '1', BULKHEAD_E2E: '1' },
    stdio: 'inherit',
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code === 0;
}

export async function everything(): Promise<boolean> {
  const failed: string[] = [];
  const run = async (title: string, action: () => Promise<boolean>): Promise<void> => {
    say(`── ${title}`);
    const passed = await action().catch((error: unknown) => {
      say(String(error));
      return false;
    });
    if (!passed) failed.push(title);
  };
  await run('tests on clusters', clusterTests);
  for (const engine of engineNames) {
    await run(`conformance, ${engine}`, async () => conformance({ engine, cni: 'ptp', ip: 'dual' }));
    for (const cni of cniKinds)
      await run(`upstream, ${engine}, ${cni}`, async () => upstream({ engine, cni, ip: 'ipv4' }));
  }
  say(failed.length === 0 ? 'All passed.' : `Failed: ${failed.join('; ')}`);
  return failed.length === 0;
}
