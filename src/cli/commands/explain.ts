import { Option, type Command } from 'commander';
import { defineCommand, structured, type Session } from '../command.ts';
import type { ExplainReport } from '../explain-report.ts';
import { loadOptions, pathsArgument, sourceOptions, type SourceOptions } from '../source-options.ts';

interface ExplainOptions extends SourceOptions {
  readonly from: string;
  readonly to: string;
  readonly port: string;
  readonly expect?: 'allow' | 'deny';
}

const expected = { allow: 'allowed', deny: 'denied' } as const;

export const explainCommand = (session: Session): Command =>
  defineCommand<ExplainOptions, ExplainReport>(
    {
      name: 'explain',
      summary: 'say why a connection is allowed or denied, down to the line of YAML',
      description:
        'Judges one connection and tells why: the rule that decided in each direction, the policies that isolate the ' +
        'pods, and for a denied connection the rules that came closest. A Service is followed to its backends first.',
      arguments: [pathsArgument()],
      options: [
        new Option(
          '--from <who>',
          'namespace/pod, namespace/workload, an IP address or "internet"',
        ).makeOptionMandatory(),
        new Option('--to <whom>', 'as --from, or namespace/service').makeOptionMandatory(),
        new Option('--port <port>', '80, 80/TCP, 53/UDP, a port name, or ICMP').makeOptionMandatory(),
        new Option('--expect <verdict>', 'exit with 1 when the verdict is another one').choices([
          'allow',
          'deny',
        ]),
        ...sourceOptions(),
      ],
      examples: [
        {
          command: 'bulkhead explain ./manifests --from shop/frontend --to shop/cart --port 7070/TCP',
          text: 'From workload to Service',
        },
        {
          command: 'bulkhead explain ./manifests --from 203.0.113.7 --to shop/frontend --port http',
          text: 'From outside, by the name of the port',
        },
        {
          command: 'bulkhead explain ./manifests --from shop/ad --to shop/db --port 5432 --expect deny',
          text: 'As a test, in CI',
        },
      ],
      formats: {
        table: () => import('../render/explain-story.ts').then((m) => m.renderExplainStory),
        ...structured(),
      },
      run: async ({ context, args, options, progress }) => {
        const [{ loadCluster }, { translatePolicies }, { explain }, { explainReport }] = await Promise.all([
          import('../../sources/load.ts'),
          import('../../dialects/translate.ts'),
          import('../../analyze/explain.ts'),
          import('../explain-report.ts'),
        ]);
        progress.stage('reading manifests');
        const { cluster, manifests } = loadCluster(args, loadOptions(options, args, context));
        const { from, to, port, expect } = options;
        const data = explainReport(explain(cluster, translatePolicies(cluster), { from, to, port }));
        const exitCode = expect && data.verdict !== expected[expect] ? 1 : 0;
        return { data, warnings: manifests.diagnostics, exitCode };
      },
    },
    session,
  );
