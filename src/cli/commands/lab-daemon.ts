import type { Command } from 'commander';
import { defineCommand, type Session } from '../command.ts';
import { nameOption, type LabOptions } from './lab-options.ts';

/** Started by `lab up`, in the background. */
export const labDaemonCommand = (session: Session): Command =>
  defineCommand<LabOptions>(
    {
      name: 'daemon',
      summary: 'run the background process of a lab',
      options: [nameOption()],
      examples: [{ command: 'bulkhead lab daemon', text: 'In the foreground, to see what it logs' }],
      run: async ({ options }) => {
        const { runDaemon } = await import('../../lab/daemon.ts');
        await runDaemon(options.name);
        return 0;
      },
    },
    session,
  );
