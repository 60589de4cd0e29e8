import { Option, type Command } from 'commander';
import { defineCommand, structured, type Session } from '../command.ts';
import type { ExplainReport } from '../explain-report.ts';
import { nameOption, type LabOptions } from './lab-options.ts';

interface ExplainOptions extends LabOptions {
  readonly from: string;
  readonly to: string;
  readonly port: string;
}

export const labExplainCommand = (session: Session): Command =>
  defineCommand<ExplainOptions, ExplainReport>(
    {
      name: 'explain',
      summary: 'say why a connection in a running lab is allowed or denied',
      description: 'As `bulkhead explain`, but about what the lab enforces now.',
      options: [
        nameOption(),
        new Option(
          '--from <who>',
          'namespace/pod, namespace/workload, an IP address or "internet"',
        ).makeOptionMandatory(),
        new Option('--to <whom>', 'as --from, or namespace/service').makeOptionMandatory(),
        new Option('--port <port>', '80, 80/TCP, 53/UDP, a port name, or ICMP').makeOptionMandatory(),
      ],
      examples: [
        {
          command: 'bulkhead lab explain --from shop/frontend --to shop/cart --port 7070/TCP',
          text: 'From workload to Service',
        },
      ],
      formats: {
        table: () => import('../render/explain-story.ts').then((m) => m.renderExplainStory),
        ...structured(),
      },
      run: async ({ options }) => {
        const [{ callLab }, { requireRoot }, { translatePolicies }, { explain }, { explainReport }] =
          await Promise.all([
            import('../../lab/client.ts'),
            import('../../lab/requirements.ts'),
            import('../../dialects/translate.ts'),
            import('../../analyze/explain.ts'),
            import('../explain-report.ts'),
          ]);
        requireRoot();
        const { name, from, to, port } = options;
        const snapshot = await callLab(name, { op: 'snapshot' });
        if (!snapshot) throw new Error('a call without a signal has a result');
        const { cluster } = snapshot;
        return { data: explainReport(explain(cluster, translatePolicies(cluster), { from, to, port })) };
      },
    },
    session,
  );
