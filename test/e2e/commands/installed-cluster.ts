/** A cluster of two nodes with Bulkhead on it, for as long as something runs on it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { say, timed } from '../../cluster/commands/print.ts';
import type { Families } from '../../cluster/network/address-plan.ts';
import { cniKinds, type Cni } from '../../cluster/node/cni-configuration.ts';
import { clusterDown, clusterUp, type Cluster } from '../../cluster/whole/cluster.ts';
import { buildImage, installBulkhead, type Datapath } from '../../cluster/whole/install.ts';

export interface ClusterChoice {
  readonly engine: Exclude<Datapath, 'auto'>;
  readonly cni: Cni;
  readonly ip: Families;
}

export const engineNames = ['ebpf', 'nftables'] as const satisfies readonly ClusterChoice['engine'][];

/** A command that runs on such a cluster. */
export function clusterCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .addOption(new Option('--engine <name>', 'what enforces').choices(engineNames).default('ebpf'))
    .addOption(new Option('--cni <kind>', 'how pods are linked').choices(cniKinds).default('ptp'))
    .addOption(
      new Option('--ip <families>', 'address families').choices(['ipv4', 'ipv6', 'dual']).default('ipv4'),
    );
}

export async function onInstalledCluster<T>(
  { engine, cni, ip }: ClusterChoice,
  action: (cluster: Cluster) => Promise<T>,
): Promise<T> {
  const name = `e${process.pid}`;
  const folder = mkdtempSync(join(tmpdir(), 'bulkhead-e2e-'));
  try {
    const cluster = await timed(`a cluster is ready: ${cni}, ${ip}`, async () =>
      clusterUp({ name, cni, families: ip, progress: say }),
    );
    await timed(`Bulkhead is installed: ${engine}`, async () => {
      const image = join(folder, 'image.tar');
      await buildImage(image);
      await installBulkhead(cluster, image, engine);
    });
    return await action(cluster);
  } finally {
    await clusterDown(name);
    rmSync(folder, { recursive: true });
  }
}
