import type { Command } from 'commander';
import type { FlowItem } from '../../observe/flow-log.ts';
import { defineCommand, type Session } from '../command.ts';
import { flowFilter, flowOptions, type FlowOptions } from '../flow-options.ts';
import { nameOption, type LabOptions } from './lab-options.ts';

type LabFlowsOptions = LabOptions & FlowOptions;

export const labFlowsCommand = (session: Session): Command =>
  defineCommand<LabFlowsOptions>(
    {
      name: 'flows',
      summary: 'show who talks to whom, and which line of YAML decided',
      description:
        'Shows new connections and denied packets: who, whom, port, verdict, and the rule with file and line that decided; for a default deny the policies that isolate the pod and the rule that came closest.',
      options: [nameOption(), ...flowOptions()],
      examples: [
        { command: 'bulkhead lab flows --follow', text: 'Live' },
        { command: 'bulkhead lab flows --verdict denied --to shop/cart', text: 'What was denied to cart?' },
        { command: "bulkhead lab flows -o json | jq '.record.decisions'", text: 'For programs' },
      ],
      run: async ({ options, context, terminal }) => {
        const [{ callLab }, { flowPrinter }] = await Promise.all([
          import('../../lab/client.ts'),
          import('../render/flows.ts'),
        ]);
        const interrupted = new AbortController();
        process.once('SIGINT', () => interrupted.abort());
        const { last, follow = false } = options;
        const filter = flowFilter(options);
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
