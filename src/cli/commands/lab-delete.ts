import { Argument, Option, type Command } from 'commander';
import { BulkheadError, failure } from '../../errors.ts';
import { defineCommand, type Session } from '../command.ts';
import type { ChangeReport } from '../lab-reports.ts';
import { changeFormats, changeLab } from './lab-change.ts';
import { nameOption, type LabOptions } from './lab-options.ts';

interface DeleteOptions extends LabOptions {
  readonly filename?: readonly string[];
  readonly namespace: string;
  readonly unknownFields: 'error' | 'warn';
}

export const labDeleteCommand = (session: Session): Command =>
  defineCommand<DeleteOptions, ChangeReport>(
    {
      name: 'delete',
      summary: 'delete objects of a running lab, live',
      arguments: [new Argument('[object...]', 'kind/name or kind/namespace/name')],
      options: [
        nameOption(),
        new Option(
          '-f, --filename <path...>',
          'delete the objects of these manifests; - reads standard input',
        ),
        new Option('-n, --namespace <namespace>', 'namespace of objects that are named without').default(
          'default',
        ),
        new Option('--unknown-fields <mode>', 'unknown or misspelt fields of a policy')
          .choices(['error', 'warn'])
          .default('error'),
      ],
      examples: [
        { command: 'bulkhead lab delete netpol/shop/cart', text: 'Delete a policy' },
        { command: 'bulkhead lab delete -f policy.yaml', text: 'Delete what a file holds' },
        { command: 'bulkhead lab delete ns/shop', text: 'Delete a namespace with all that is in it' },
      ],
      formats: changeFormats,
      run: async ({ args, options, context }) => {
        const { name, namespace, filename = [], unknownFields } = options;
        if (args.length === 0 && filename.length === 0) throw nothingNamed();
        const [{ readManifests }, { resolveKey }] = await Promise.all([
          import('../../sources/manifests.ts'),
          import('../../lab/object-keys.ts'),
        ]);
        const stdin = filename.includes('-') ? { stdin: context.readStdin() } : {};
        const started = performance.now();
        const read =
          filename.length > 0 ? readManifests(filename, { unknownFields, ...stdin }).objects.keys() : [];
        const keys = [...args.map((text) => resolveKey(text, namespace)), ...read];
        return { data: await changeLab(name, { op: 'delete', keys }, performance.now() - started) };
      },
    },
    session,
  );

function nothingNamed(): BulkheadError {
  return new BulkheadError(
    failure('LAB_OBJECT_NAME', 'nothing to delete was named', {
      hint: 'Name objects, such as netpol/shop/cart, or files with -f.',
    }),
  );
}
