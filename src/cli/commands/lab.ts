import type { Command } from 'commander';
import { defineGroup, type Session } from '../command.ts';
import { labApplyCommand } from './lab-apply.ts';
import { labDaemonCommand } from './lab-daemon.ts';
import { labDeleteCommand } from './lab-delete.ts';
import { labDownCommand } from './lab-down.ts';
import { labExecCommand } from './lab-exec.ts';
import { labExplainCommand } from './lab-explain.ts';
import { labFlowsCommand } from './lab-flows.ts';
import { labLabelCommand } from './lab-label.ts';
import { labListCommand } from './lab-list.ts';
import { labProbeCommand } from './lab-probe.ts';
import { labScaleCommand } from './lab-scale.ts';
import { labStatusCommand } from './lab-status.ts';
import { labUpCommand } from './lab-up.ts';

export const labCommand = (session: Session): Command => {
  const commands = [
    labUpCommand,
    labStatusCommand,
    labProbeCommand,
    labExecCommand,
    labFlowsCommand,
    labExplainCommand,
    labApplyCommand,
    labDeleteCommand,
    labLabelCommand,
    labScaleCommand,
    labListCommand,
    labDownCommand,
  ];
  return defineGroup(
    {
      name: 'lab',
      summary: 'run the manifests: real packets, policies enforced in the kernel',
      description:
        'A lab is a cluster on this machine: every node and pod is a network namespace with real addresses, Services and DNS, and the policies are enforced by the real datapath. Needs root.',
      examples: [
        { command: 'sudo bulkhead lab up examples/shop', text: 'Start it' },
        { command: 'sudo bulkhead lab probe', text: 'Do packets and policies agree?' },
        { command: 'sudo bulkhead lab down', text: 'Take it away' },
      ],
    },
    commands.map((command) => command(session)),
  ).addCommand(labDaemonCommand(session), { hidden: true });
};
