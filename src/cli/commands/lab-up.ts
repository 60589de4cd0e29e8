import type { Command } from 'commander';
import { defineCommand, structured, type Session } from '../command.ts';
import { loadOptions, manifestOptions, pathsArgument, type ManifestOptions } from '../source-options.ts';
import { datapathOption, nameOption, type EngineOptions, type LabOptions } from './lab-options.ts';
import type { UpReport } from '../lab-reports.ts';

export const labUpCommand = (session: Session): Command =>
  defineCommand<LabOptions & EngineOptions & ManifestOptions, UpReport>(
    {
      name: 'up',
      summary: 'start a lab: every pod a network namespace, policies in the kernel',
      description:
        "Makes a network namespace for every node and pod of the manifests, with real addresses, Services and DNS, servers on all declared ports and an outside world, and enforces the policies with eBPF, or with nftables where the kernel can't. Touches nothing of the machine's own network.",
      arguments: [pathsArgument()],
      options: [nameOption(), datapathOption(), ...manifestOptions()],
      examples: [
        { command: 'sudo bulkhead lab up examples/shop', text: 'An online shop under default deny' },
        { command: 'helm template ./chart | sudo bulkhead lab up -', text: 'What a chart would make' },
        {
          command: 'sudo bulkhead lab up --name v6 --ip-family ipv6 --nodes 3 ./manifests',
          text: 'A second lab, IPv6, three nodes',
        },
        {
          command: 'sudo bulkhead lab up --datapath nftables examples/shop',
          text: 'Enforced as it would be on an older kernel',
        },
      ],
      formats: {
        table: () => import('../render/lab-text.ts').then((m) => m.renderUp),
        ...structured(),
      },
      run: async ({ args, options, context, progress }) => {
        const started = performance.now();
        const [{ readManifests }, { familiesOf }, { callLab }, { startDaemon }, { requireLabMachine }] =
          await Promise.all([
            import('../../sources/manifests.ts'),
            import('../../sources/families.ts'),
            import('../../lab/client.ts'),
            import('../../lab/start-daemon.ts'),
            import('../../lab/requirements.ts'),
          ]);
        const load = loadOptions(options, args, context);
        const { objects, diagnostics, skipped } = readManifests(args, load);
        const datapath = requireLabMachine(options.datapath);
        const { families = familiesOf(objects), nodes } = load;
        const entry = process.argv[1] ?? '';
        await startDaemon(options.name, [process.execPath, ...process.execArgv, entry]);
        const onProgress = progress.stage;
        const request = { op: 'up', objects, families, nodes, engine: datapath.engine } as const;
        const result = await callLab(options.name, request, { onProgress });
        if (!result) throw new Error('a call without a signal has a result');
        const totalMs = performance.now() - started;
        const data = {
          lab: options.name,
          datapath,
          ...result,
          skipped: Object.fromEntries(skipped),
          totalMs,
        };
        return { data, warnings: [...diagnostics, ...result.warnings] };
      },
    },
    session,
  );
