import { Option, type Command } from 'commander';
import { warning, type Diagnostic } from '../../errors.ts';
import { withCluster } from '../cluster-options.ts';
import { defineCommand, structured, type Session } from '../command.ts';
import type { ExplainReport } from '../explain-report.ts';
import { readSource, sourceArgument, sourceOptions, type SourceOptions } from '../source-options.ts';

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
      arguments: [sourceArgument()],
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
        {
          command: 'bulkhead explain --live --from shop/frontend --to shop/cart --port 7070',
          text: 'In a running cluster, and whether its nodes enforce that now',
        },
      ],
      formats: {
        table: () => import('../render/explain-story.ts').then((m) => m.renderExplainStory),
        ...structured(),
      },
      run: async ({ context, args, options, progress }) => {
        const [{ translatePolicies }, { explain }, { explainReport, sourcesOf }] = await Promise.all([
          import('../../dialects/translate.ts'),
          import('../../analyze/explain.ts'),
          import('../explain-report.ts'),
        ]);
        const { cluster, manifests, textOf } = await readSource({ args, options, context, progress });
        const { from, to, port, expect } = options;
        const explanation = explain(cluster, translatePolicies(cluster), { from, to, port });
        const judged = explainReport(explanation);
        const surprises = expect && judged.verdict !== expected[expect] ? [surprise(judged, expect)] : [];
        const exitCode = surprises.length > 0 ? 1 : 0;
        if (options.live !== true)
          return { data: judged, warnings: [...manifests.diagnostics, ...surprises], exitCode };
        const { readEnforcement, enforcementWarnings } = await import('../live-enforcement.ts');
        progress.stage('asking what the nodes enforce');
        const enforcement = await withCluster(options, (client) =>
          readEnforcement(client, explanation, cluster),
        );
        const data = { ...judged, enforcement, sources: sourcesOf(judged, textOf) };
        const warnings = [...manifests.diagnostics, ...enforcementWarnings(enforcement), ...surprises];
        return { data, warnings, exitCode };
      },
    },
    session,
  );

function surprise({ verdict }: ExplainReport, expect: 'allow' | 'deny'): Diagnostic {
  return warning('EXPLAIN_UNEXPECTED', `the verdict is not what --expect=${expect} says: ${verdict}`, {
    hint: 'Above is which rule decided, and by which policies the pods are isolated.',
  });
}
