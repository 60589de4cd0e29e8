import type { Command } from 'commander';
import { defineCommand, structured, type Session } from '../command.ts';
import type { LabListItem } from '../lab-reports.ts';

export const labListCommand = (session: Session): Command =>
  defineCommand<object, readonly LabListItem[]>(
    {
      name: 'list',
      summary: 'list the labs of this machine',
      examples: [{ command: 'bulkhead lab list', text: 'Which labs are up?' }],
      formats: {
        table: () => import('../render/lab-text.ts').then((m) => m.renderLabList),
        ...structured(),
      },
      run: async () => {
        const [{ callLab, isLabAlive }, { listLabs }, { requireRoot }] = await Promise.all([
          import('../../lab/client.ts'),
          import('../../lab/network/destroy.ts'),
          import('../../lab/requirements.ts'),
        ]);
        requireRoot();
        const data = await Promise.all(
          listLabs().map(async (name): Promise<LabListItem> => {
            const status = (await isLabAlive(name)) ? await callLab(name, { op: 'status' }) : undefined;
            if (!status) return { name, state: 'daemon dead' };
            const { totals, since } = status;
            return { name, state: 'up', pods: totals.pods, policies: totals.policies, since };
          }),
        );
        return { data };
      },
    },
    session,
  );
