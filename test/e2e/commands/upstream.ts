/** `e2e upstream`: Kubernetes' own suite against the DaemonSet. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { say, timed } from '../../cluster/commands/print.ts';
import type { Families } from '../../cluster/network/address-plan.ts';
import { cniKinds, type Cni } from '../../cluster/node/cni-configuration.ts';
import { clusterDown, clusterUp } from '../../cluster/whole/cluster.ts';
import { buildImage, installBulkhead, type Datapath } from '../../cluster/whole/install.ts';
import { runSuite } from '../upstream/run-suite.ts';
import { renderSuiteJunit } from '../upstream/suite-report.ts';

interface UpstreamOptions {
  readonly engine: Exclude<Datapath, 'auto'>;
  readonly cni: Cni;
  readonly ip: Families;
  readonly focus?: string;
  readonly junit?: string;
}

export function upstreamCommand(): Command {
  return new Command('upstream')
    .description("Kubernetes' own network policy suite against Bulkhead on a cluster of two nodes")
    .addOption(new Option('--engine <name>', 'what enforces').choices(['ebpf', 'nftables']).default('ebpf'))
    .addOption(new Option('--cni <kind>', 'how pods are linked').choices(cniKinds).default('ptp'))
    .addOption(
      new Option('--ip <families>', 'address families').choices(['ipv4', 'ipv6', 'dual']).default('ipv4'),
    )
    .option('--focus <regex>', 'only cases whose names match')
    .option('--junit <file>', 'write the result there')
    .action(upstream);
}

async function upstream({ engine, cni, ip, focus, junit }: UpstreamOptions): Promise<void> {
  const name = `u${process.pid}`;
  const folder = mkdtempSync(join(tmpdir(), 'bulkhead-upstream-'));
  try {
    const cluster = await timed('the cluster is ready', async () =>
      clusterUp({ name, cni, families: ip, progress: say }),
    );
    const image = join(folder, 'image.tar');
    await timed('Bulkhead is installed', async () => {
      await buildImage(image);
      await installBulkhead(cluster, image, engine);
    });
    const { kubeconfig } = cluster;
    const cases = await runSuite({
      kubeconfig,
      ...(focus === undefined ? {} : { focus }),
      progress: say,
      output: 'inherit',
    });
    const ran = cases.filter(({ outcome }) => outcome !== 'skipped');
    const failed = ran.filter(({ outcome }) => outcome === 'failed');
    for (const { name: title, message } of failed) say(`FAIL ${title}\n  ${message}`);
    const seconds = ran.reduce((sum, one) => sum + one.seconds, 0);
    say(
      `${ran.length - failed.length} of ${ran.length} cases pass on ${engine}, ${cni}, ${ip}: ${seconds.toFixed(0)} s`,
    );
    if (junit !== undefined) writeFileSync(junit, renderSuiteJunit(`${engine} ${cni} ${ip}`, cases));
    if (failed.length > 0 || ran.length === 0) process.exitCode = 1;
  } finally {
    await clusterDown(name);
    rmSync(folder, { recursive: true });
  }
}
