import { Option, type Command } from 'commander';
import { defineCommand, structured, type Session } from '../command.ts';
import { nameOption, type LabOptions } from './lab-options.ts';
import type { DownReport } from '../lab-reports.ts';

interface DownOptions extends LabOptions {
  readonly all?: boolean;
}

export const labDownCommand = (session: Session): Command =>
  defineCommand<DownOptions, DownReport>(
    {
      name: 'down',
      summary: 'take a lab away, with everything that it made',
      description:
        'Removes the namespaces, links, programs and files of a lab, also when its daemon is dead. The machine is as it was before.',
      options: [nameOption(), new Option('--all', 'every lab of this machine')],
      examples: [
        { command: 'bulkhead lab down', text: 'The lab "default"' },
        { command: 'bulkhead lab down --all', text: 'All of them' },
      ],
      formats: {
        table: () => import('../render/lab-text.ts').then((m) => m.renderDown),
        ...structured(),
      },
      run: async ({ options, progress }) => {
        const [{ takeDown }, { listLabs }, { requireRoot }] = await Promise.all([
          import('../../lab/down.ts'),
          import('../../lab/network/destroy.ts'),
          import('../../lab/requirements.ts'),
        ]);
        requireRoot();
        const names = options.all ? listLabs() : [options.name];
        const labs: { name: string; ms: number }[] = [];
        for (const name of names) {
          const start = performance.now();
          await takeDown(name, progress.stage);
          labs.push({ name, ms: performance.now() - start });
        }
        return { data: { labs } };
      },
    },
    session,
  );
