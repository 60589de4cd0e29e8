import { Argument, type Command } from 'commander';
import { defineCommand, type Session } from '../command.ts';
import { nameOption, type LabOptions } from './lab-options.ts';

export const labExecCommand = (session: Session): Command =>
  defineCommand<LabOptions>(
    {
      name: 'exec',
      summary: 'run a command as a pod: in its network namespace, with its DNS',
      description:
        "Runs a command of this machine in the network namespace of a pod (or of the outside world: `world`), with the pod's resolv.conf. Input, output, terminal, signals and the exit code are the command's own.",
      arguments: [
        new Argument('<pod>', 'namespace/pod; a pod or workload by name if that is unique; or world'),
        new Argument('<command...>', 'after --'),
      ],
      options: [nameOption()],
      examples: [
        { command: 'bulkhead lab exec shop/frontend -- curl -sm2 http://cart:7070', text: 'Ask a Service' },
        { command: 'bulkhead lab exec shop/frontend -- bash', text: 'A shell' },
        { command: 'bulkhead lab exec world -- curl -sm2 http://10.244.1.7:8080', text: 'From outside' },
      ],
      run: async ({ args, options }) => {
        const [{ callLab }, { execIn }, { resolvePlacement }, { requireRoot }] = await Promise.all([
          import('../../lab/client.ts'),
          import('../../lab/exec.ts'),
          import('../../lab/placement.ts'),
          import('../../lab/requirements.ts'),
        ]);
        requireRoot();
        const [who = '', ...command] = args;
        const snapshot = await callLab(options.name, { op: 'snapshot' });
        if (!snapshot) throw new Error('a call without a signal has a result');
        return execIn(resolvePlacement(snapshot, who), command);
      },
    },
    session,
  );
