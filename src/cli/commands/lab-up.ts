import type { Command } from 'commander';
import { defineCommand, structured, type Session } from '../command.ts';
import { loadOptions, pathsArgument, sourceOptions, type SourceOptions } from '../source-options.ts';
import { nameOption, type LabOptions } from './lab-options.ts';
import type { UpReport } from '../lab-reports.ts';

export const labUpCommand = (session: Session): Command =>
  defineCommand<LabOptions & SourceOptions, UpReport>(
    {
      name: 'up',
      summary: 'start a lab: every pod a network namespace, policies in the kernel',
      description:
        "Makes a network namespace for every node and pod of the manifests, with real addresses, Services and DNS, servers on all declared ports and an outside world, and enforces the policies with eBPF. Touches nothing of the machine's own network.",
      arguments: [pathsArgument()],
      options: [nameOption(), ...sourceOptions()],
      examples: [
        { command: 'sudo bulkhead lab up examples/shop', text: 'An online shop under default deny' },
        { command: 'helm template ./chart | sudo bulkhead lab up -', text: 'What a chart would make' },
        {
          command: 'sudo bulkhead lab up --name v6 --ip-family ipv6 --nodes 3 ./manifests',
          text: 'A second lab, IPv6, three nodes',
        },
      ],
      formats: {
        table: () => import('../render/lab-text.ts').then((m) => m.renderUp),
        ...structured(),
      },
      run: async ({ args, options, context, progress }) => {
        const started = performance.now();
        const [{ readManifests }, { callLab }, { startDaemon }, { requireLabMachine }] = await Promise.all([
          import('../../sources/manifests.ts'),
          import('../../lab/client.ts'),
          import('../../lab/start-daemon.ts'),
          import('../../lab/requirements.ts'),
        ]);
        const load = loadOptions(options, args, context);
        const { objects, diagnostics, skipped } = readManifests(args, load);
        requireLabMachine();
        const { families, nodes } = load;
        const entry = process.argv[1] ?? '';
        await startDaemon(options.name, [process.execPath, ...process.execArgv, entry]);
        const onProgress = progress.stage;
        const result = await callLab(options.name, { op: 'up', objects, families, nodes }, { onProgress });
        if (!result) throw new Error('a call without a signal has a result');
        const totalMs = performance.now() - started;
        const data = { lab: options.name, ...result, skipped: Object.fromEntries(skipped), totalMs };
        return { data, warnings: [...diagnostics, ...result.warnings] };
      },
    },
    session,
  );
