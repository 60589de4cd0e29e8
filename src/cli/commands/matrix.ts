import { Option, type Command } from 'commander';
import { defineCommand, structured, type Formats, type Session } from '../command.ts';
import type { MatrixReport } from '../matrix-report.ts';
import type { MatrixView } from '../render/matrix/view.ts';
import type { Terminal } from '../render/terminal.ts';
import { readSource, sourceArgument, sourceOptions, type SourceOptions } from '../source-options.ts';

interface MatrixOptions extends SourceOptions {
  readonly by: MatrixReport['by'];
}

export const matrixCommand = (session: Session): Command =>
  defineCommand<MatrixOptions, MatrixReport>(
    {
      name: 'matrix',
      summary: 'print who may talk to whom, on which ports',
      description:
        'Judges every ordered pair of workloads, and the outside, on every port that is declared, served or named by a ' +
        'policy. Replicas that agree are one row and one column. The outside is split by the ipBlocks of the policies, ' +
        'and asked also on a port that no policy names.',
      arguments: [sourceArgument()],
      options: [
        ...sourceOptions(),
        new Option('--by <what>', 'one row and column per workload or per pod')
          .choices(['workload', 'pod'])
          .default('workload'),
      ],
      examples: [
        { command: 'bulkhead matrix ./manifests', text: 'On the terminal' },
        {
          command: 'bulkhead matrix -o html ./manifests > matrix.html',
          text: 'A page to show to a colleague',
        },
        { command: 'bulkhead matrix -o md ./manifests >> pull-request.md', text: 'For a review' },
        {
          command: 'bulkhead matrix -o dot ./manifests | dot -Tsvg > graph.svg',
          text: 'As a graph, by Graphviz',
        },
      ],
      formats: {
        table: picture(() => import('../render/matrix/table.ts').then((m) => m.renderMatrixTable)),
        ...structured<MatrixReport>(),
        md: picture(() => import('../render/matrix/markdown.ts').then((m) => m.renderMatrixMarkdown)),
        csv: picture(() => import('../render/matrix/csv.ts').then((m) => m.renderMatrixCsv)),
        dot: picture(() => import('../render/matrix/dot.ts').then((m) => m.renderMatrixDot)),
        svg: picture(() => import('../render/matrix/svg.ts').then((m) => m.renderMatrixSvg)),
        html: picture(() => import('../render/matrix/html.ts').then((m) => m.renderMatrixHtml)),
      },
      run: async ({ context, args, options, progress }) => {
        const [{ translatePolicies }, { computeMatrix }, { matrixReport }] = await Promise.all([
          import('../../dialects/translate.ts'),
          import('../../analyze/matrix.ts'),
          import('../matrix-report.ts'),
        ]);
        const { cluster, manifests } = await readSource({ args, options, context, progress });
        progress.stage('judging all pairs');
        const matrix = computeMatrix(cluster, translatePolicies(cluster));
        return { data: matrixReport(matrix, options.by), warnings: manifests.diagnostics };
      },
    },
    session,
  );

/** A renderer of the view as one of the report. */
function picture(
  load: () => Promise<(view: MatrixView, terminal: Terminal) => string>,
): Formats<MatrixReport>[string] {
  return async () => {
    const [render, { viewOf }] = await Promise.all([load(), import('../render/matrix/view-of.ts')]);
    return (report, terminal) => render(viewOf(report), terminal);
  };
}
