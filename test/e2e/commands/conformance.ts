/** `e2e conformance`: the corpus through the API server of a cluster. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { root } from '../../../scripts/deploy/names.ts';
import { clusterCommand, onInstalledCluster, type ClusterChoice } from './installed-cluster.ts';

interface ConformanceOptions extends ClusterChoice {
  readonly family?: readonly string[];
  readonly parallel?: string;
  readonly junit?: string;
}

export function conformanceCommand(): Command {
  return clusterCommand('conformance', 'bulkhead conformance --kubeconfig against Bulkhead on two nodes')
    .option('--family <name...>', 'only these families of cases')
    .option('--parallel <n>', 'how many cases at once')
    .option('--junit <file>', 'write the result there, rather than a table')
    .action(async (options: ConformanceOptions) => {
      if (!(await conformance(options))) process.exitCode = 1;
    });
}

/** Whether all agreed. */
export async function conformance(options: ConformanceOptions): Promise<boolean> {
  const { family = [], parallel, junit } = options;
  return onInstalledCluster(options, async ({ kubeconfig }) => {
    const args = [
      join(root, 'dist/bulkhead.js'),
      'conformance',
      `--kubeconfig=${kubeconfig}`,
      ...(family.length > 0 ? ['--family', ...family] : []),
      ...(parallel === undefined ? [] : [`--parallel=${parallel}`]),
      ...(junit === undefined ? [] : ['--output=junit']),
    ];
    const stdout = junit === undefined ? 'inherit' : openSync(junit, 'w');
    const child = spawn(process.execPath, args, { stdio: ['ignore', stdout, 'inherit'] });
    const [code] = (await once(child, 'exit')) as [number | null];
    return code === 0;
  });
}
