/** Bulkhead in a cluster of the test machine, as docs/install.md says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../../scripts/deploy/names.ts';
import { findPart } from '../parts/cache.ts';
import { run } from '../process/run.ts';
import type { Cluster } from './cluster.ts';

export type Datapath = 'auto' | 'ebpf' | 'nftables';

/** Until the kernel of every node enforces what the API server says. */
export async function installBulkhead(
  cluster: Cluster,
  image: string,
  datapath: Datapath = 'auto',
): Promise<void> {
  await cluster.importImage(image);
  const kubectl = async (args: readonly string[], input = ''): Promise<string> =>
    run(findPart('kubectl') ?? 'kubectl', ['--kubeconfig', cluster.kubeconfig, ...args], input);
  const manifest = readFileSync(join(root, 'deploy/bulkhead.yaml'), 'utf8');
  const chosen = manifest.replace('--datapath=auto', `--datapath=${datapath}`);
  if (!chosen.includes(`--datapath=${datapath}`)) throw new Error('deploy/bulkhead.yaml names no datapath');
  await kubectl(['apply', '-f', '-'], chosen);
  await kubectl(['-n', 'bulkhead-system', 'rollout', 'status', 'daemonset/bulkhead', '--timeout=120s']);
}

/** As `npm run image` does it. */
export async function buildImage(file: string): Promise<void> {
  await run(process.execPath, [join(root, 'scripts/build-image.ts'), file]);
}
