import { Option, type Command } from 'commander';
import { defineCommand, type Session } from '../command.ts';
import type { ChangeReport } from '../lab-reports.ts';
import { changeFormats, changeLab } from './lab-change.ts';
import { nameOption, type LabOptions } from './lab-options.ts';

interface ApplyOptions extends LabOptions {
  readonly filename: readonly string[];
  readonly unknownFields: 'error' | 'warn';
}

export const labApplyCommand = (session: Session): Command =>
  defineCommand<ApplyOptions, ChangeReport>(
    {
      name: 'apply',
      summary: 'add or replace objects of a running lab, live',
      description:
        'Adds the objects to the lab, or replaces those of the same kind and name. Policies take effect on live connections at once, and the command prints how long it took until the kernel had them. Bad input changes nothing.',
      options: [
        nameOption(),
        new Option(
          '-f, --filename <path...>',
          'manifest files, folders or globs; - reads standard input',
        ).makeOptionMandatory(),
        new Option('--unknown-fields <mode>', 'unknown or misspelt fields of a policy')
          .choices(['error', 'warn'])
          .default('error'),
      ],
      examples: [
        { command: 'bulkhead lab apply -f policy.yaml', text: 'See its effect on live connections' },
        {
          command: 'kubectl get netpol -A -o yaml | bulkhead lab apply -f -',
          text: 'The policies of a real cluster',
        },
      ],
      formats: changeFormats,
      run: async ({ options, context }) => {
        const { readManifests } = await import('../../sources/manifests.ts');
        const { filename, name, unknownFields } = options;
        const stdin = filename.includes('-') ? { stdin: context.readStdin() } : {};
        const started = performance.now();
        const { objects, diagnostics } = readManifests(filename, { unknownFields, ...stdin });
        const data = await changeLab(name, { op: 'apply', objects }, performance.now() - started);
        return { data, warnings: [...diagnostics, ...data.warnings] };
      },
    },
    session,
  );
