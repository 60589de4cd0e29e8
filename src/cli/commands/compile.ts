import type { Command } from 'commander';
import type { Program } from '../../compiler/program.ts';
import { defineCommand, structured, type Session } from '../command.ts';
import { loadOptions, pathsArgument, sourceOptions, type SourceOptions } from '../source-options.ts';

export const compileCommand = (session: Session): Command =>
  defineCommand<SourceOptions, Program>(
    {
      name: 'compile',
      summary: 'print the tables that the policies compile to',
      description:
        'Prints the tables that the datapath enforces: identities, rule sets, classes and their ports. The same manifests ' +
        'always give the same text, so that it can be kept and compared in a review.',
      arguments: [pathsArgument()],
      options: sourceOptions(),
      examples: [
        { command: 'bulkhead compile ./manifests', text: 'For people' },
        {
          command: 'bulkhead compile ./manifests -o yaml > tables.yaml',
          text: 'To keep, and to compare after a change',
        },
      ],
      formats: {
        table: () => import('../../compiler/print.ts').then((m) => m.formatProgram),
        ...structured<Program>(() => import('../../compiler/print.ts').then((m) => m.describeProgram)),
      },
      run: async ({ context, args, options, progress }) => {
        const [{ loadCluster }, { translatePolicies }, { Compiler }] = await Promise.all([
          import('../../sources/load.ts'),
          import('../../dialects/translate.ts'),
          import('../../compiler/compiler.ts'),
        ]);
        progress.stage('reading manifests');
        const { cluster, manifests } = loadCluster(args, loadOptions(options, args, context));
        progress.stage('compiling');
        const program = new Compiler().compile(cluster, translatePolicies(cluster));
        return { data: program, warnings: manifests.diagnostics };
      },
    },
    session,
  );
