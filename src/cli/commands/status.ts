import { Argument, Option, type Command } from 'commander';
import type { RolloutReport } from '../../operate/policy-rollout.ts';
import { clusterOptions, withCluster, type ClusterOptions } from '../cluster-options.ts';
import { defineCommand, structured, type Formats, type Session } from '../command.ts';

interface StatusOptions extends ClusterOptions {
  readonly namespace?: string;
}

export interface ClusterStatus extends RolloutReport {
  readonly view: 'nodes' | 'policies';
}

const formats: Formats<ClusterStatus> = {
  table: () => import('../render/cluster-status.ts').then((m) => m.renderClusterStatus),
  ...structured<ClusterStatus>(() => Promise.resolve(({ ok, nodes, policies }) => ({ ok, nodes, policies }))),
};

export const statusCommand = (session: Session): Command =>
  defineCommand<StatusOptions, ClusterStatus>(
    {
      name: 'status',
      summary: 'show which nodes of a cluster enforce which policies',
      description:
        'Asks the API server what the agents report: which nodes are ready, and which policies are in force, pending or refused where, why and since when. Exits with 1 unless every policy is in force on every node and every node is ready.',
      arguments: [
        new Argument('[view]', 'one line per node or per policy')
          .choices(['nodes', 'policies'])
          .default('nodes'),
      ],
      options: [
        new Option('-n, --namespace <name>', 'only the policies of this namespace'),
        ...clusterOptions(),
      ],
      examples: [
        { command: 'bulkhead status', text: 'Is every node well?' },
        { command: 'bulkhead status policies', text: 'Where is my policy in force?' },
        { command: "bulkhead status -o json | jq '.policies[].pending'", text: 'For programs' },
      ],
      formats,
      run: async ({ args, options, progress }) => {
        const { readRollout } = await import('../../operate/read-rollout.ts');
        progress.stage('asking the API server');
        const report = await withCluster(options, (client) => readRollout(client, options.namespace));
        const view = args[0] === 'policies' ? 'policies' : 'nodes';
        return { data: { ...report, view }, exitCode: report.ok ? 0 : 1 };
      },
    },
    session,
  );
