import type { Command } from 'commander';
import { BulkheadError } from '../../errors.ts';
import { defineCommand, structured, type Session } from '../command.ts';
import type { LabListItem } from '../lab-reports.ts';

/** What it means that the daemon of a lab that is there can't tell its status. */
const states: ReadonlyMap<string, LabListItem['state']> = new Map([
  ['LAB_NOT_READY', 'coming up'],
  ['LAB_DAEMON_DEAD', 'daemon dead'],
  ['LAB_DAEMON_DIED', 'daemon dead'],
  // Even its folder is gone: only namespaces or resolver files are left.
  ['LAB_NOT_UP', 'daemon dead'],
]);

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
        const [{ callLab }, { listLabs }, { requireRoot }] = await Promise.all([
          import('../../lab/client.ts'),
          import('../../lab/network/destroy.ts'),
          import('../../lab/requirements.ts'),
        ]);
        requireRoot();
        const itemOf = async (name: string): Promise<LabListItem> => {
          try {
            const status = await callLab(name, { op: 'status' });
            if (!status) throw new Error('a call without a signal has a result');
            const { totals, since } = status;
            return { name, state: 'up', pods: totals.pods, policies: totals.policies, since };
          } catch (error) {
            const state = error instanceof BulkheadError ? states.get(error.code) : undefined;
            if (!state) throw error;
            return { name, state };
          }
        };
        const data = await Promise.all(listLabs().map(itemOf));
        return { data };
      },
    },
    session,
  );
