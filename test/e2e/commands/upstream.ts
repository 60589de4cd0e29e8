/** `e2e upstream`: Kubernetes' own suite against the DaemonSet. */
import { writeFileSync } from 'node:fs';
import { release } from 'node:os';
import type { Command } from 'commander';
import { version } from '../../../scripts/deploy/names.ts';
import { say } from '../../cluster/commands/print.ts';
import { partNamed } from '../../cluster/parts/catalogue.ts';
import { runSuite } from '../../upstream/run-suite.ts';
import { renderSuiteJunit } from '../../upstream/suite-report.ts';
import { clusterCommand, onInstalledCluster, type ClusterChoice } from './installed-cluster.ts';

interface UpstreamOptions extends ClusterChoice {
  readonly focus?: string;
  readonly junit?: string;
}

export function upstreamCommand(): Command {
  return clusterCommand('upstream', "Kubernetes' own network policy suite against Bulkhead on two nodes")
    .option('--focus <regex>', 'only cases whose names match')
    .option('--junit <file>', 'write the result there')
    .action(async (options: UpstreamOptions) => {
      if (!(await upstream(options))) process.exitCode = 1;
    });
}

/** Whether all passed. */
export async function upstream(options: UpstreamOptions): Promise<boolean> {
  const { engine, cni, ip, focus, junit } = options;
  const cases = await onInstalledCluster(options, async ({ kubeconfig }) =>
    runSuite({
      kubeconfig,
      ...(focus === undefined ? {} : { focus }),
      progress: say,
      output: 'inherit',
    }),
  );
  const ran = cases.filter(({ outcome }) => outcome !== 'skipped');
  const failed = ran.filter(({ outcome }) => outcome === 'failed');
  for (const { name, message } of failed) say(`FAIL ${name}\n  ${message}`);
  const seconds = ran.reduce((sum, one) => sum + one.seconds, 0);
  const passed = ran.length - failed.length;
  say(`${passed} of ${ran.length} cases pass on ${engine}, ${cni}, ${ip}: ${seconds.toFixed(0)} s`);
  if (junit !== undefined) {
    const kubernetes = partNamed('netpol-suite').version;
    const on = { engine, cni, addresses: ip, kubernetes, kernel: release(), bulkhead: version };
    writeFileSync(junit, renderSuiteJunit(on, cases));
  }
  return failed.length === 0 && ran.length > 0;
}
