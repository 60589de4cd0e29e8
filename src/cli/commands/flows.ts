import { Option, type Command } from 'commander';
import type { Diagnostic } from '../../errors.ts';
import type { StreamNotice } from '../../operate/node-flow-stream.ts';
import { clusterOptions, withCluster, type ClusterOptions } from '../cluster-options.ts';
import { defineCommand, type Session } from '../command.ts';
import { flowFilter, flowOptions, type FlowOptions } from '../flow-options.ts';

interface FlowsOptions extends FlowOptions, ClusterOptions {
  readonly node?: readonly string[];
  readonly agentNamespace: string;
}

export const flowsCommand = (session: Session): Command =>
  defineCommand<FlowsOptions>(
    {
      name: 'flows',
      summary: 'show who talks to whom in a cluster, and which line of YAML decided',
      description:
        "Asks the agents of all nodes, by commands run in their pods, for new connections and denied packets: who, whom, port, verdict, and the policy and line of `kubectl get -o yaml` that decided. A connection between two nodes is judged on both and shown twice, each time with the node. A node that can't be asked is named on stderr; without --follow the exit code is then 1.",
      options: [
        ...flowOptions(),
        new Option('--node <name...>', 'only what these nodes saw'),
        new Option('--agent-namespace <name>', 'where the agents run').default('bulkhead-system'),
        ...clusterOptions(),
      ],
      examples: [
        { command: 'bulkhead flows --follow', text: 'Live, of the whole cluster' },
        { command: 'bulkhead flows --verdict denied --to shop/cart', text: 'What was denied to cart?' },
        {
          command: "bulkhead flows -n 1000 -o json | jq -r '.record.source.name' | sort | uniq -c",
          text: 'Who opens most connections?',
        },
      ],
      run: async ({ options, context, terminal, quiet, progress }) => {
        const [{ findAgents }, { pastFlows }, { followFlows }, { flowPrinter }, { printDiagnostics }] =
          await Promise.all([
            import('../../operate/agent-pods.ts'),
            import('../../operate/past-flows.ts'),
            import('../../operate/followed-flows.ts'),
            import('../render/flows.ts'),
            import('../print-diagnostics.ts'),
          ]);
        const interrupted = new AbortController();
        process.once('SIGINT', () => interrupted.abort());
        const { signal } = interrupted;
        const question = { last: options.last, filter: flowFilter(options) };
        const namespace = options.agentNamespace;
        const wanted = options.node ? { wanted: new Set(options.node) } : {};
        const printer = flowPrinter(options.output, terminal, { nodes: true });
        const print = (text: string): void => context.stdout.write(text);
        let told = Promise.resolve();
        const tell = (notice: StreamNotice): void => {
          if (quiet) return;
          const json = options.output === 'json';
          const colour = terminal.colour;
          told = told.then(() => printDiagnostics([diagnosticOf(notice)], { context, json, colour }));
        };
        progress.stage('looking for the agents');
        return withCluster(options, async (client) => {
          const agents = await findAgents(client, { namespace, ...wanted });
          progress.done();
          print(printer.head);
          const without = agents.without.map((node) => ({ node, reason: 'no agent runs there' }));
          for (const one of without) tell({ kind: 'silent', ...one });
          if (options.follow === true) {
            const nodes = wanted.wanted ? { nodes: wanted.wanted } : {};
            const flow = (item: Parameters<typeof printer.line>[0]): void => print(printer.line(item));
            await followFlows({ client, namespace, ...nodes, question, flow, notice: tell, signal });
            await told;
            return 0;
          }
          const { flows, silent } = await pastFlows(client, agents.pods, { ...question, signal });
          for (const one of silent) tell({ kind: 'silent', ...one });
          for (const flow of flows) print(printer.line(flow));
          await told;
          return without.length + silent.length === 0 ? 0 : 1;
        });
      },
    },
    session,
  );

function diagnosticOf(notice: StreamNotice): Diagnostic {
  const { node } = notice;
  if (notice.kind === 'silent') {
    return {
      severity: 'warning',
      code: 'FLOWS_NODE_SILENT',
      message: `${node}: no flows come from this node: ${notice.reason}`,
    };
  }
  const missing =
    notice.missing === undefined
      ? 'none are missing'
      : `its agent is another one, and flows after ${notice.missing === '' ? 'the last one' : notice.missing} may be missing`;
  return { severity: 'warning', code: 'FLOWS_NODE_BACK', message: `${node}: flows come again; ${missing}` };
}
