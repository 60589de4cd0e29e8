import { Argument, Option, type Command } from 'commander';
import type { WaitGoal, WaitReport } from '../../operate/wait-for-policies.ts';
import { clusterOptions, withCluster, type ClusterOptions } from '../cluster-options.ts';
import { defineCommand, structured, type Session } from '../command.ts';
import { durationOption } from '../duration-option.ts';

interface WaitCommandOptions extends ClusterOptions {
  readonly for: WaitGoal;
  readonly namespace?: string;
  readonly timeout: number;
}

export const waitCommand = (session: Session): Command =>
  defineCommand<WaitCommandOptions, WaitReport>(
    {
      name: 'wait',
      summary: 'wait until every node enforces policies',
      description:
        'Waits until every node of the cluster enforces the policies as they stand in the API server now, or, with --for=deleted, has them no more. Exits with 1 when that is not so after --timeout, or when nothing is pending any more and some node has refused a policy for two seconds; then it says which nodes are missing, and why.',
      arguments: [
        new Argument(
          '<policy...>',
          'policy/name, policy/namespace/name, or what `kubectl apply -o name` prints',
        ),
      ],
      options: [
        new Option('--for <goal>', 'what to wait for').choices(['realised', 'deleted']).default('realised'),
        new Option('-n, --namespace <name>', "of policies named without one (default: the context's)"),
        durationOption('--timeout <time>', 'how long at most', '1m'),
        ...clusterOptions(),
      ],
      examples: [
        {
          command: 'kubectl apply -f deny.yaml && bulkhead wait policy/deny',
          text: 'Go on once it is in force everywhere',
        },
        {
          command: 'bulkhead wait $(kubectl apply -f policies/ -o name) -n shop --timeout=5m',
          text: 'All policies of a folder, which are of one namespace',
        },
        {
          command: 'kubectl delete netpol deny && bulkhead wait policy/deny --for=deleted',
          text: 'Until no node enforces it any more',
        },
      ],
      formats: {
        table: () => import('../render/wait.ts').then((m) => m.renderWait),
        ...structured(),
      },
      run: async ({ args, options, progress }) => {
        const [{ waitForPolicies }, { parsePolicyNames }] = await Promise.all([
          import('../../operate/wait-for-policies.ts'),
          import('../policy-names.ts'),
        ]);
        progress.stage('asking the API server');
        const data = await withCluster(options, async (client) =>
          waitForPolicies({
            client,
            policies: parsePolicyNames(args, options.namespace ?? client.connection.namespace),
            goal: options.for,
            timeoutMs: options.timeout,
            progress: (report) => progress.stage(describe(report)),
          }),
        );
        return { data, exitCode: data.done ? 0 : 1 };
      },
    },
    session,
  );

/** One line: how far it is, and who is missing. */
function describe({ policies }: WaitReport): string {
  const missing = policies.filter(({ pending }) => pending.length > 0);
  const [first] = missing;
  if (!first) return 'waiting';
  const { policy, realised, pending } = first;
  const names = pending.slice(0, 3).map(({ node }) => node);
  const more = pending.length > names.length ? ` and ${pending.length - names.length} more` : '';
  const others = missing.length > 1 ? `; ${missing.length - 1} more policies` : '';
  return `${policy}: ${realised.length} of ${realised.length + pending.length} nodes, waiting for ${names.join(', ')}${more}${others}`;
}
