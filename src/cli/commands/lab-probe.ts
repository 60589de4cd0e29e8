import { Option, type Command } from 'commander';
import { defineCommand, structured, type Session } from '../command.ts';
import type { ProbeReport } from '../lab-reports.ts';
import { nameOption, type LabOptions } from './lab-options.ts';

interface ProbeOptions extends LabOptions {
  readonly from?: string;
  readonly to?: string;
}

export const labProbeCommand = (session: Session): Command =>
  defineCommand<ProbeOptions, ProbeReport>(
    {
      name: 'probe',
      summary: 'send real packets between all pairs on all ports, compare with the policies',
      description:
        'Opens real connections from every pod and from outside to every pod and outside address, on every port of the matrix, and compares what arrives with what the policies say. An allowed connection must be answered by the right pod; a denied one must time out, as denied packets are dropped. Exits with 1 if any cell differs.',
      options: [
        nameOption(),
        new Option('--from <who>', 'only from namespace/pod, namespace/, a workload or an outside point'),
        new Option('--to <whom>', 'only to these'),
      ],
      examples: [
        { command: 'bulkhead lab probe', text: 'Everything' },
        { command: 'bulkhead lab probe --to shop/redis', text: 'Who reaches redis?' },
        { command: 'bulkhead lab probe -o json | jq .differences', text: 'For programs' },
      ],
      formats: {
        table: () => import('../render/lab-probe.ts').then((m) => m.renderProbe),
        ...structured(),
      },
      run: async ({ options, progress }) => {
        const [{ callLab }, { requireRoot }, { probeLab }] = await Promise.all([
          import('../../lab/client.ts'),
          import('../../lab/requirements.ts'),
          import('../lab-probe-report.ts'),
        ]);
        requireRoot();
        const snapshot = await callLab(options.name, { op: 'snapshot' });
        if (!snapshot) throw new Error('a call without a signal has a result');
        const { name, ...filter } = options;
        const data = await probeLab(snapshot, { lab: name, filter, onProgress: progress.stage });
        return { data, exitCode: data.differences.length > 0 ? 1 : 0 };
      },
    },
    session,
  );
