import { Option, type Command } from 'commander';
import { BulkheadError, failure } from '../../errors.ts';
import { stacks, type Stack } from '../../conformance/case.ts';
import { vias, type Engine, type Via } from '../../conformance/engine.ts';
import { engines, type EngineName } from '../../conformance/engines.ts';
import type { ConformanceReport } from '../../conformance/report.ts';
import { agnhostImage } from '../../conformance/cluster/image.ts';
import { defineCommand, structured, type Session } from '../command.ts';
import { parseCount } from '../parse-count.ts';

interface ConformanceOptions {
  readonly engine: EngineName;
  readonly family: readonly string[];
  readonly case: readonly string[];
  readonly ipFamily: readonly Stack[];
  readonly via: Via;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly image: string;
  readonly keep?: boolean;
  readonly parallel: number;
}

export const conformanceCommand = (session: Session): Command =>
  defineCommand<ConformanceOptions, ConformanceReport>(
    {
      name: 'conformance',
      summary: 'run the known test cases of network policies on an engine',
      description:
        "Runs the corpus of docs/conformance.md: upstream Kubernetes' end-to-end cases, the 230 cases of Cyclonus and the known corner cases, each with IPv4, IPv6 and both. Engines: reference (the evaluator), compiled (the tables in software), ebpf (the programs in the kernel, on packet bytes; root), nftables (an interpreter of its rules), lab-ebpf and lab-nftables (real packets between network namespaces; root). With --kubeconfig or --context it judges a cluster instead, whatever enforces there: it makes namespaces, pods and policies of its own through the API, lets the pods connect to each other, and removes everything again. Exits with 1 if any cell differs.",
      options: [
        new Option('--engine <name>', 'what judges').choices(Object.keys(engines)).default('compiled'),
        new Option(
          '--family <name...>',
          'only these families of cases, e2e or cyclonus-peers or cyclonus',
        ).default([], 'all'),
        new Option('--case <id...>', 'only these cases; * stands for anything').default([], 'all'),
        new Option('--ip-family <stack...>', 'only clusters with these addresses')
          .choices(Object.keys(stacks))
          .default(Object.keys(stacks), 'all'),
        new Option('--via <address>', 'how the lab calls pods').choices(vias).default('pod-ip'),
        new Option('--kubeconfig <file>', 'judge this cluster').conflicts('engine'),
        new Option('--context <name>', 'judge the cluster of this context').conflicts('engine'),
        new Option('--image <reference>', 'of the pods in a cluster: agnhost, with bash').default(
          agnhostImage,
        ),
        new Option('--keep', 'leave namespaces, pods and policies in the cluster'),
        new Option('--parallel <n>', 'how many cases at once in a cluster').argParser(parseCount).default(2),
      ],
      examples: [
        { command: 'bulkhead conformance', text: 'Everything, on the compiled tables' },
        { command: 'sudo bulkhead conformance --engine lab-ebpf', text: 'Everything, by real packets' },
        {
          command: 'bulkhead conformance --family e2e corner -o junit > report.xml',
          text: 'For a CI system',
        },
        {
          command: 'bulkhead conformance --case "e2e-3*" --ip-family dual',
          text: 'Some cases, on two families',
        },
      ],
      formats: {
        table: () => import('../render/conformance-table.ts').then((m) => m.renderConformance),
        junit: () => import('../render/conformance-junit.ts').then((m) => m.renderConformanceJunit),
        ...structured<ConformanceReport>(),
      },
      run: async ({ options, progress }) => {
        const [{ readCorpus }, { selectCases }, { runCorpus }, { conformanceReport }, target] =
          await Promise.all([
            import('../../conformance/corpus.ts'),
            import('../../conformance/select.ts'),
            import('../../conformance/run.ts'),
            import('../../conformance/report.ts'),
            findTarget(options),
          ]);
        const { engine, parallel } = target;
        progress.stage('reading cases');
        const { models, cases } = readCorpus();
        const selected = selectCases(cases, { families: options.family, ids: options.case });
        const interruption = new AbortController();
        const interrupt = () => interruption.abort();
        for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupt);
        const started = performance.now();
        const results = await runCorpus({
          engine,
          corpus: { models, cases: selected },
          stacks: target.stacks(options.ipFamily),
          via: options.via,
          parallel,
          onProgress: progress.stage,
          signal: interruption.signal,
        }).finally(() => target.close());
        for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupt);
        const ms = performance.now() - started;
        const data = conformanceReport(results, { engine: engine.name, via: options.via, ms });
        return { data, exitCode: data.totals.failed > 0 ? 1 : 0 };
      },
    },
    session,
  );

interface Target {
  readonly engine: Engine;
  readonly parallel: number;
  readonly stacks: (asked: readonly Stack[]) => readonly Stack[];
  readonly close: () => void;
}

/** An engine of this machine, or a cluster, whose pods have the addresses that they have. */
async function findTarget(options: ConformanceOptions): Promise<Target> {
  const { kubeconfig, context, image, keep = false, parallel } = options;
  if (kubeconfig === undefined && context === undefined) {
    const engine = await engines[options.engine]();
    return { engine, parallel: 1, stacks: (asked) => asked, close: () => undefined };
  }
  const { clusterEngine } = await import('../../conformance/engines/cluster.ts');
  const cluster = await clusterEngine({
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
    image,
    keep,
  });
  const { engine, stack } = cluster;
  const ofCluster = (asked: readonly Stack[]): readonly Stack[] => {
    if (asked.includes(stack)) return [stack];
    const hint = 'Leave --ip-family out.';
    throw new BulkheadError(
      failure('CONFORMANCE_NO_CASE', `the pods of this cluster are ${stack}`, { hint }),
    );
  };
  return { engine, parallel, stacks: ofCluster, close: () => cluster.close() };
}
