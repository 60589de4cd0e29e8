import { Argument, Option, type Command } from 'commander';
import type { RolloutReport } from '../../agent/policy-rollout.ts';
import { defineCommand, structured, type Formats, type Session } from '../command.ts';

interface StatusOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
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
        new Option('--kubeconfig <file>', 'how to reach the API server (default: as kubectl)'),
        new Option('--context <name>', 'context of the kubeconfig'),
      ],
      examples: [
        { command: 'bulkhead status', text: 'Is every node well?' },
        { command: 'bulkhead status policies', text: 'Where is my policy in force?' },
        { command: "bulkhead status -o json | jq '.policies[].pending'", text: 'For programs' },
      ],
      formats,
      run: async ({ args, options: { kubeconfig, context }, progress }) => {
        const { readRollout } = await import('../../agent/read-rollout.ts');
        progress.stage('asking the API server');
        const report = await readRollout({
          ...(kubeconfig === undefined ? {} : { kubeconfig }),
          ...(context === undefined ? {} : { context }),
        });
        const view = args[0] === 'policies' ? 'policies' : 'nodes';
        return { data: { ...report, view }, exitCode: report.ok ? 0 : 1 };
      },
    },
    session,
  );
