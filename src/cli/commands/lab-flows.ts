import { InvalidArgumentError, Option, type Command } from 'commander';
import type { FlowItem } from '../../observe/flow-log.ts';
import { defineCommand, type Session } from '../command.ts';
import { nameOption, type LabOptions } from './lab-options.ts';

interface FlowsOptions extends LabOptions {
  readonly follow?: boolean;
  readonly last: number;
  readonly from?: string;
  readonly to?: string;
  readonly verdict?: 'allowed' | 'denied';
  readonly port?: number;
  readonly output: 'compact' | 'table' | 'json';
}

export const labFlowsCommand = (session: Session): Command =>
  defineCommand<FlowsOptions>(
    {
      name: 'flows',
      summary: 'show who talks to whom, and which line of YAML decided',
      description:
        'Shows new connections and denied packets: who, whom, port, verdict, and the rule with file and line that decided; for a default deny the policies that isolate the pod and the rule that came closest.',
      options: [
        nameOption(),
        new Option('-f, --follow', 'go on until interrupted'),
        new Option('-n, --last <count>', 'how many past flows').default(20).argParser(parseCount),
        new Option('--from <who>', 'source: namespace/pod, namespace/, workload, node or address'),
        new Option('--to <who>', 'destination, likewise'),
        new Option('--verdict <verdict>', 'only these').choices(['allowed', 'denied']),
        new Option('--port <port>', 'destination port').argParser(parseCount),
        new Option('-o, --output <format>', 'output format; json is one object per line')
          .choices(['compact', 'table', 'json'])
          .default('compact'),
      ],
      examples: [
        { command: 'bulkhead lab flows --follow', text: 'Live' },
        { command: 'bulkhead lab flows --verdict denied --to shop/cart', text: 'What was denied to cart?' },
        { command: "bulkhead lab flows -o json | jq '.record.decisions'", text: 'For programs' },
      ],
      run: async ({ options, context, terminal }) => {
        const [{ callLab }, { flowPrinter }] = await Promise.all([
          import('../../lab/client.ts'),
          import('../render/lab-flows.ts'),
        ]);
        const interrupted = new AbortController();
        process.once('SIGINT', () => interrupted.abort());
        const { last, follow = false, from, to, verdict, port } = options;
        const filter = {
          ...(from === undefined ? {} : { from }),
          ...(to === undefined ? {} : { to }),
          ...(verdict === undefined ? {} : { verdict }),
          ...(port === undefined ? {} : { port }),
        };
        const printer = flowPrinter(options.output, terminal);
        const print = (text: string) => context.stdout.write(text);
        print(printer.head);
        await callLab(
          options.name,
          { op: 'flows', last, follow, filter },
          { onItem: (item: FlowItem) => print(printer.line(item)), signal: interrupted.signal },
        );
        return 0;
      },
    },
    session,
  );

function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 0) throw new InvalidArgumentError('It must be a number.');
  return count;
}
