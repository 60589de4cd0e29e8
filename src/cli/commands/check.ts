import { Option, type Command } from 'commander';
import type { CheckReport } from '../../analyze/check.ts';
import { defineCommand, structured, type Session } from '../command.ts';
import { readSource, sourceArgument, sourceOptions, type SourceOptions } from '../source-options.ts';

interface CheckOptions extends SourceOptions {
  readonly strict?: boolean;
}

export const checkCommand = (session: Session): Command =>
  defineCommand<CheckOptions, CheckReport>(
    {
      name: 'check',
      summary: 'read manifests, validate them, and say what the policies isolate',
      description:
        'Reads and validates manifests as the API server would, and says what they hold, which pods each policy isolates, ' +
        'which pods are left open, and what is probably a mistake: policies, peers and port names that select nothing. ' +
        "The cluster's DNS (pods k8s-app=kube-dns in kube-system) counts as there, also where the manifests do not bring it.",
      arguments: [sourceArgument()],
      options: [...sourceOptions(), new Option('--strict', 'exit with 1 when there are warnings')],
      examples: [
        { command: 'bulkhead check ./manifests', text: 'A folder' },
        {
          command: 'kubectl get pods,services,namespaces,networkpolicies -A -o yaml | bulkhead check -',
          text: 'A cluster',
        },
        { command: 'helm template ./chart | bulkhead check --strict -', text: 'A chart, in CI' },
      ],
      formats: {
        table: () => import('../render/check-table.ts').then((m) => m.renderCheckTable),
        ...structured(),
      },
      run: async ({ context, args, options, progress }) => {
        const [{ translatePolicies }, { check }] = await Promise.all([
          import('../../dialects/translate.ts'),
          import('../../analyze/check.ts'),
        ]);
        const { cluster, manifests } = await readSource({ args, options, context, progress });
        progress.stage('checking');
        const isWhole = options.live === true;
        const report = check({ cluster, isWhole, policies: translatePolicies(cluster), manifests });
        return {
          data: report,
          warnings: report.warnings,
          exitCode: options.strict && report.warnings.length > 0 ? 1 : 0,
        };
      },
    },
    session,
  );
