import { Argument, InvalidArgumentError, Option, type Command } from 'commander';
import { defineCommand, type Session } from '../command.ts';
import type { ChangeReport } from '../lab-reports.ts';
import { changeFormats, changeLab } from './lab-change.ts';
import { nameOption, type LabOptions } from './lab-options.ts';

interface ScaleOptions extends LabOptions {
  readonly replicas: number;
  readonly namespace: string;
}

export const labScaleCommand = (session: Session): Command =>
  defineCommand<ScaleOptions, ChangeReport>(
    {
      name: 'scale',
      summary: 'change how many pods a workload of a running lab has, live',
      arguments: [new Argument('<workload>', 'kind/name, such as deployment/cart or deployment/shop/cart')],
      options: [
        nameOption(),
        new Option('--replicas <count>', 'number of pods').argParser(parseReplicas).makeOptionMandatory(),
        new Option('-n, --namespace <namespace>', 'namespace of the workload').default('default'),
      ],
      examples: [
        { command: 'bulkhead lab scale deployment/cart -n shop --replicas=5', text: 'Five pods of cart' },
      ],
      formats: changeFormats,
      run: async ({ args, options }) => {
        const { resolveKey } = await import('../../lab/object-keys.ts');
        const key = resolveKey(args[0] ?? '', options.namespace);
        return { data: await changeLab(options.name, { op: 'scale', key, replicas: options.replicas }) };
      },
    },
    session,
  );

function parseReplicas(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 0 || count > 10_000) {
    throw new InvalidArgumentError('It must be a number from 0 to 10000.');
  }
  return count;
}
