/**
 * What takes enforcement out of the kernels of all nodes, and the gate out of their CNI, once the agents are gone. It has a namespace of its own, as
 * that of the agents may be gone already, and no account at the API server.
 */
import { podSecurityLabels } from './access.ts';
import { containerSecurity, image, pullPolicy } from './daemon-set.ts';
import type { Node } from './template.ts';
import { valueAt } from './values.ts';

const name = 'bulkhead-uninstall';
const matchLabels = { 'app.kubernetes.io/name': name };
const common: Node = { image, imagePullPolicy: pullPolicy, securityContext: containerSecurity };

export const uninstallObjects: readonly Node[] = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: podSecurityLabels } },
  {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name, namespace: name, labels: matchLabels },
    spec: {
      selector: { matchLabels },
      template: {
        metadata: { labels: matchLabels },
        spec: {
          automountServiceAccountToken: false,
          hostNetwork: true,
          nodeSelector: valueAt('nodeSelector'),
          tolerations: valueAt('tolerations'),
          terminationGracePeriodSeconds: 1,
          securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
          initContainers: [
            {
              name: 'uninstall',
              ...common,
              args: ['agent', '--uninstall'],
              volumeMounts: [
                { name: 'bpffs', mountPath: '/sys/fs/bpf', mountPropagation: 'HostToContainer' },
                { name: 'run', mountPath: '/run/bulkhead' },
                { name: 'cni-conf', mountPath: '/etc/cni/net.d' },
                { name: 'cni-bin', mountPath: '/opt/cni/bin' },
              ],
            },
          ],
          // A DaemonSet has no end: what waits here says that this node is done.
          containers: [
            {
              name: 'done',
              image,
              imagePullPolicy: pullPolicy,
              command: ['/usr/bin/node', '-e', 'setInterval(() => undefined, 2 ** 30)'],
              securityContext: { ...containerSecurity, capabilities: { drop: ['ALL'] } },
            },
          ],
          volumes: [
            { name: 'bpffs', hostPath: { path: '/sys/fs/bpf', type: 'Directory' } },
            { name: 'run', hostPath: { path: '/run/bulkhead', type: 'DirectoryOrCreate' } },
            { name: 'cni-conf', hostPath: { path: '/etc/cni/net.d', type: 'DirectoryOrCreate' } },
            { name: 'cni-bin', hostPath: { path: '/opt/cni/bin', type: 'DirectoryOrCreate' } },
          ],
        },
      },
    },
  },
];
