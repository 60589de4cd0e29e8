import { Option, type Command } from 'commander';
import { stacks, type Stack } from '../../conformance/case.ts';
import { vias, type Via } from '../../conformance/engine.ts';
import { engines, type EngineName } from '../../conformance/engines.ts';
import type { ConformanceReport } from '../../conformance/report.ts';
import { defineCommand, structured, type Session } from '../command.ts';

interface ConformanceOptions {
  readonly engine: EngineName;
  readonly family: readonly string[];
  readonly case: readonly string[];
  readonly ipFamily: readonly Stack[];
  readonly via: Via;
}

export const conformanceCommand = (session: Session): Command =>
  defineCommand<ConformanceOptions, ConformanceReport>(
    {
      name: 'conformance',
      summary: 'run the known test cases of network policies on an engine',
      description:
        "Runs the corpus of docs/conformance.md: upstream Kubernetes' end-to-end cases, the 230 cases of Cyclonus and the known corner cases, each with IPv4, IPv6 and both. Engines: reference (the evaluator), compiled (the tables in software), ebpf (the programs in the kernel, on packet bytes; root), lab-ebpf (real packets between network namespaces; root). Exits with 1 if any cell differs.",
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
        const [{ readCorpus }, { selectCases }, { runCorpus }, { conformanceReport }, engine] =
          await Promise.all([
            import('../../conformance/corpus.ts'),
            import('../../conformance/select.ts'),
            import('../../conformance/run.ts'),
            import('../../conformance/report.ts'),
            engines[options.engine](),
          ]);
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
          stacks: options.ipFamily,
          via: options.via,
          onProgress: progress.stage,
          signal: interruption.signal,
        });
        for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupt);
        const ms = performance.now() - started;
        const data = conformanceReport(results, { engine: engine.name, via: options.via, ms });
        return { data, exitCode: data.totals.failed > 0 ? 1 : 0 };
      },
    },
    session,
  );
