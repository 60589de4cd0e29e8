import { Option, type Command } from 'commander';
import type { TableStats } from '../../analyze/table-stats.ts';
import type { Program } from '../../compiler/program.ts';
import { defineCommand, structured, type Session } from '../command.ts';
import { readSource, sourceArgument, sourceOptions, type SourceOptions } from '../source-options.ts';

interface CompileOptions extends SourceOptions {
  readonly stats?: boolean;
}

type CompileData =
  | { readonly kind: 'program'; readonly program: Program }
  | { readonly kind: 'stats'; readonly stats: TableStats };

export const compileCommand = (session: Session): Command =>
  defineCommand<CompileOptions, CompileData>(
    {
      name: 'compile',
      summary: 'print the tables that the policies compile to',
      description:
        'Prints the tables that the datapath enforces: identities, rule sets, classes and their ports. The same manifests ' +
        'always give the same text, so that it can be kept and compared in a review.',
      arguments: [sourceArgument()],
      options: [
        ...sourceOptions(),
        new Option('--stats', 'only count the entries, beside what other designs would need'),
      ],
      examples: [
        { command: 'bulkhead compile ./manifests', text: 'For people' },
        {
          command: 'bulkhead compile ./manifests -o yaml > tables.yaml',
          text: 'To keep, and to compare after a change',
        },
        { command: 'bulkhead compile ./manifests --stats', text: 'How big are the tables?' },
      ],
      formats: {
        table: async () => {
          const [{ formatProgram }, { renderTableStats }] = await Promise.all([
            import('../../compiler/print.ts'),
            import('../render/table-stats.ts'),
          ]);
          return (data) =>
            data.kind === 'stats' ? renderTableStats(data.stats) : formatProgram(data.program);
        },
        ...structured<CompileData>(async () => {
          const { describeProgram } = await import('../../compiler/print.ts');
          return (data) => (data.kind === 'stats' ? data.stats : describeProgram(data.program));
        }),
      },
      run: async ({ context, args, options, progress }) => {
        const [{ translatePolicies }, { Compiler }] = await Promise.all([
          import('../../dialects/translate.ts'),
          import('../../compiler/compiler.ts'),
        ]);
        const { cluster, manifests } = await readSource({ args, options, context, progress });
        progress.stage('compiling');
        const policies = translatePolicies(cluster);
        const program = new Compiler().compile(cluster, policies);
        const warnings = manifests.diagnostics;
        if (!options.stats) return { data: { kind: 'program', program }, warnings };
        const { tableStats } = await import('../../analyze/table-stats.ts');
        return { data: { kind: 'stats', stats: tableStats(cluster, policies, program) }, warnings };
      },
    },
    session,
  );
