import { hostname } from 'node:os';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { defineCommand, type Session } from '../command.ts';
import { durationOption } from '../duration-option.ts';
import { nodePlaceOptions } from '../node-options.ts';
import type { NodePlaceOptions } from '../node-options.ts';
import { sizeOption } from '../size-option.ts';
import { packageVersion } from '../version.ts';

interface AgentCommandOptions extends NodePlaceOptions {
  readonly startup: 'strict' | 'open';
  readonly syncPeriod: number;
  readonly cacheSyncTimeout: number;
  readonly degradedAfter: number;
  readonly healthAddress?: string;
  readonly healthPort: number;
  readonly installGate?: boolean;
  readonly events: 'all' | 'denied';
  readonly tableMemory: number;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  readonly logFormat: 'text' | 'json';
  readonly status: boolean;
  readonly uninstall?: boolean;
}

const own = '/proc/self/ns/net';

export const agentCommand = (session: Session): Command =>
  defineCommand<AgentCommandOptions>(
    {
      name: 'agent',
      summary: 'enforce the policies of a cluster on this node',
      description:
        'Follows the API server and enforces its NetworkPolicies on this node, beside any CNI and any kube-proxy. Ended or killed, it leaves the kernel enforcing what it had; --uninstall takes that away.',
      options: [
        ...nodePlaceOptions(),
        new Option('--startup <mode>', 'strict: pods that are not known yet are closed')
          .choices(['strict', 'open'])
          .default('strict'),
        durationOption(
          '--sync-period <time>',
          'how often the kernel is compared with what it should hold',
          '5m',
        ),
        durationOption('--cache-sync-timeout <time>', 'degraded without a first full list for so long', '1m'),
        durationOption('--degraded-after <time>', 'degraded without the API server for so long', '1m'),
        new Option('--health-address <address>', 'where health and metrics are served (default: everywhere)'),
        new Option('--health-port <port>', 'TCP port of /healthz, /readyz, /livez and /metrics')
          .default(20_244)
          .argParser(parsePort),
        new Option(
          '--install-gate',
          'hold pods until their policies are in the kernel, by a CNI plugin that is installed and kept',
        ),
        new Option('--events <which>', 'flows to report').choices(['all', 'denied']).default('all'),
        sizeOption(
          '--table-memory <size>',
          'memory of the kernel that tables may take; they grow as policies need',
          '256Mi',
        ),
        new Option('--log-level <level>', 'least level that is logged')
          .choices(['debug', 'info', 'warn', 'error'])
          .default('info'),
        new Option('--log-format <format>', 'of log lines').choices(['text', 'json']).default('text'),
        new Option('--no-status', 'write neither NodePolicyStatus nor Events'),
        new Option(
          '--uninstall',
          'take everything out of the kernel of this node and out of its CNI, and end',
        ),
      ],
      examples: [
        { command: 'sudo bulkhead agent --kubeconfig node.kubeconfig', text: 'On a node, by hand' },
        { command: 'sudo bulkhead agent --uninstall', text: 'Nothing is enforced on this node any more' },
        {
          command: "sudo curl --unix-socket /run/bulkhead/debug.sock 'http://agent/flows?follow'",
          text: 'What a running agent sees',
        },
      ],
      run: async ({ options, context }) => {
        const [{ runAgent, uninstallAgent }, { findConnection }, { KubernetesClient }] = await Promise.all([
          import('../../agent/run.ts'),
          import('../../kubernetes/connect.ts'),
          import('../../kubernetes/client.ts'),
        ]);
        const place = {
          runDirectory: options.runDir,
          bpffs: options.bpffs,
          netns: own,
          cniDirectory: options.cniConfDir,
          cniPluginDirectory: options.cniBinDir,
        };
        if (options.uninstall === true) {
          uninstallAgent(place);
          context.stdout.write('Nothing of Bulkhead is in the kernel of this node any more.\n');
          return 0;
        }
        const { kubeconfig } = options;
        const connection = await findConnection({
          ...(kubeconfig === undefined ? {} : { kubeconfig }),
          ...(options.context === undefined ? {} : { context: options.context }),
        });
        await runAgent({
          options: {
            ...place,
            // As the kubelet names it.
            node: options.nodeName ?? hostname().toLowerCase(),
            version: packageVersion(),
            engine: options.datapath,
            startup: options.startup,
            syncPeriodMs: options.syncPeriod,
            cacheSyncTimeoutMs: options.cacheSyncTimeout,
            degradedAfterMs: options.degradedAfter,
            healthAddress: options.healthAddress,
            healthPort: options.healthPort,
            installGate: options.installGate === true,
            podInterfaces: options.podInterfaces,
            events: options.events,
            tableMemory: options.tableMemory,
            publishStatus: options.status,
          },
          client: new KubernetesClient(connection),
          log: {
            level: options.logLevel,
            format: options.logFormat,
            write: (line) => context.stderr.write(line),
          },
        });
        return 0;
      },
    },
    session,
  );

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError('It must be a port.');
  return port;
}
