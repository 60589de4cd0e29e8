import { hostname } from 'node:os';
import type { Command } from 'commander';
import type { Diagnosis } from '../../doctor/finding.ts';
import { defineCommand, structured, type Formats, type Session } from '../command.ts';
import { nodePlaceOptions } from '../node-options.ts';
import type { NodePlaceOptions } from '../node-options.ts';

const formats: Formats<Diagnosis> = {
  table: () => import('../render/diagnosis.ts').then((m) => m.renderDiagnosis),
  ...structured<Diagnosis>(),
};

export const doctorCommand = (session: Session): Command =>
  defineCommand<NodePlaceOptions, Diagnosis>(
    {
      name: 'doctor',
      summary: 'find out whether this node can be, and is, enforced on',
      description:
        'Looks at the kernel, the CNI, other policy engines, the API server, the agent and the gate of this node, changes nothing, and says what to do. Exits with 1 if there is a problem or a warning.',
      options: nodePlaceOptions(),
      examples: [
        {
          command: 'sudo bulkhead doctor --kubeconfig node.kubeconfig',
          text: 'On a node, before or after installing',
        },
        {
          command: 'kubectl -n bulkhead-system exec daemonset/bulkhead -- bulkhead doctor',
          text: 'In the pod of an agent',
        },
        {
          command: 'bulkhead doctor -o json | jq \'.findings[] | select(.state != "ok")\'',
          text: 'For programs',
        },
      ],
      formats,
      run: async ({ options, progress }) => {
        const { diagnose } = await import('../../doctor/doctor.ts');
        progress.stage('looking at the node');
        const { nodeName = hostname().toLowerCase(), kubeconfig, context, datapath } = options;
        const diagnosis = await diagnose({
          nodeName,
          connect: {
            ...(kubeconfig === undefined ? {} : { kubeconfig }),
            ...(context === undefined ? {} : { context }),
          },
          engine: datapath,
          bpffs: options.bpffs,
          runDirectory: options.runDir,
          cniDirectory: options.cniConfDir,
          cniPluginDirectory: options.cniBinDir,
          podInterfaces: options.podInterfaces,
        });
        return { data: diagnosis, exitCode: diagnosis.ok ? 0 : 1 };
      },
    },
    session,
  );
