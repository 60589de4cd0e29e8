import type { Command } from 'commander';
import { defineCommand, structured, type Session } from '../command.ts';
import type { StatusReport } from '../lab-reports.ts';
import { nameOption, type LabOptions } from './lab-options.ts';

export const labStatusCommand = (session: Session): Command =>
  defineCommand<LabOptions, StatusReport>(
    {
      name: 'status',
      summary: 'show nodes, pods, addresses, tables, drops and health of a lab',
      options: [nameOption()],
      examples: [{ command: 'bulkhead lab status', text: 'Is everything well?' }],
      formats: {
        table: () => import('../render/lab-text.ts').then((m) => m.renderStatus),
        ...structured(),
      },
      run: async ({ options }) => {
        const [{ callLab }, { requireRoot }] = await Promise.all([
          import('../../lab/client.ts'),
          import('../../lab/requirements.ts'),
        ]);
        requireRoot();
        const [status, snapshot] = await Promise.all([
          callLab(options.name, { op: 'status' }),
          callLab(options.name, { op: 'snapshot' }),
        ]);
        if (!status || !snapshot) throw new Error('a call without a signal has a result');
        const pods = [...snapshot.cluster.pods.values()].map(({ key, node, addresses }) => ({
          name: key,
          node,
          addresses: addresses.map(({ text }) => text),
          netns: snapshot.pods.get(key)?.netns ?? '',
        }));
        return { data: { lab: options.name, ...status, pods } };
      },
    },
    session,
  );
