/** The agent on every node. */
import { imageReference, labels, metadata, name, selector } from './names.ts';
import { Only, Place, text } from './template.ts';
import type { Node, Template } from './template.ts';
import { valueAt } from './values.ts';

/** Without a digest the tag counts, and without a tag the version of the chart. */
export const image = new Place(
  '(ternary (printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag)) (printf "%s@%s" .Values.image.repository .Values.image.digest) (empty .Values.image.digest))',
  imageReference,
);

export const pullPolicy = valueAt('image.pullPolicy');

/** What measuring has shown that the agent can't do without; a test takes each away. */
export const capabilities = ['BPF', 'NET_ADMIN', 'PERFMON'];

export const containerSecurity = {
  privileged: false,
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  runAsUser: 0,
  runAsGroup: 0,
  capabilities: { drop: ['ALL'], add: capabilities },
};

/** Where a pod has its account's token; the agent looks nowhere else. */
const account = '/var/run/secrets/kubernetes.io/serviceaccount';

const gate = valueAt('gate.enabled');

/** What the gate adds to the lists of the DaemonSet, always as their last. */
export const gateAdditions = {
  argument: '--install-gate',
  mount: { name: 'cni-bin', mountPath: valueAt('paths.cniBin') },
  // Without a CNI there is none yet.
  volume: { name: 'cni-bin', hostPath: { path: valueAt('paths.cniBin'), type: 'DirectoryOrCreate' } },
};

const args = [
  'agent',
  text`--datapath=${valueAt('agent.datapath')}`,
  text`--startup=${valueAt('agent.startup')}`,
  text`--sync-period=${valueAt('agent.syncPeriod')}`,
  text`--cache-sync-timeout=${valueAt('agent.cacheSyncTimeout')}`,
  text`--degraded-after=${valueAt('agent.degradedAfter')}`,
  text`--health-port=${valueAt('agent.healthPort')}`,
  text`--run-dir=${valueAt('paths.run')}`,
  text`--bpffs=${valueAt('paths.bpffs')}`,
  text`--cni-conf-dir=${valueAt('paths.cniConf')}`,
  text`--cni-bin-dir=${valueAt('paths.cniBin')}`,
  text`--pod-interfaces=${valueAt('agent.podInterfaces')}`,
  text`--table-memory=${valueAt('agent.tableMemory')}`,
  text`--events=${valueAt('agent.events')}`,
  text`--log-level=${valueAt('agent.logLevel')}`,
  text`--log-format=${valueAt('agent.logFormat')}`,
  new Only(gate, gateAdditions.argument),
];

const probe = (path: string, periodSeconds: number, failureThreshold: number): Node => ({
  httpGet: { path, port: 'metrics' },
  periodSeconds,
  failureThreshold,
  timeoutSeconds: 5,
});

const agent: Node = {
  name: 'agent',
  image,
  imagePullPolicy: pullPolicy,
  args,
  env: [{ name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }],
  ports: [{ name: 'metrics', containerPort: valueAt('agent.healthPort'), protocol: 'TCP' }],
  startupProbe: probe('/livez', 2, 30),
  livenessProbe: probe('/livez', 10, 6),
  readinessProbe: probe('/readyz', 5, 1),
  resources: valueAt('resources'),
  securityContext: containerSecurity,
  terminationMessagePolicy: 'FallbackToLogsOnError',
  volumeMounts: [
    { name: 'bpffs', mountPath: valueAt('paths.bpffs'), mountPropagation: 'HostToContainer' },
    { name: 'run', mountPath: valueAt('paths.run') },
    {
      name: 'cni-conf',
      mountPath: valueAt('paths.cniConf'),
      readOnly: new Place('(not .Values.gate.enabled)', true),
    },
    { name: 'account', mountPath: account, readOnly: true },
    new Only(gate, gateAdditions.mount),
  ],
};

const volumes: readonly Node[] = [
  { name: 'bpffs', hostPath: { path: valueAt('paths.bpffs'), type: 'Directory' } },
  { name: 'run', hostPath: { path: valueAt('paths.run'), type: 'DirectoryOrCreate' } },
  { name: 'cni-conf', hostPath: { path: valueAt('paths.cniConf'), type: 'DirectoryOrCreate' } },
  {
    name: 'account',
    projected: {
      defaultMode: 0o400,
      sources: [
        { serviceAccountToken: { path: 'token', expirationSeconds: valueAt('tokenExpirationSeconds') } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
      ],
    },
  },
  new Only(gate, gateAdditions.volume),
];

const seLinuxOptions = valueAt('seLinuxOptions');
const podAnnotations = valueAt('podAnnotations');
const pullSecrets = valueAt('imagePullSecrets');
const affinity = valueAt('affinity');

export const daemonSetTemplate: Template = {
  name: 'daemon-set',
  node: {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata,
    spec: {
      selector: { matchLabels: selector },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: valueAt('maxUnavailable') } },
      template: {
        metadata: {
          labels: { ...labels, ...selector },
          annotations: new Only(podAnnotations, podAnnotations),
        },
        spec: {
          serviceAccountName: name,
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          hostNetwork: true,
          dnsPolicy: 'ClusterFirstWithHostNet',
          priorityClassName: valueAt('priorityClassName'),
          // It ends at once; the kernel goes on enforcing.
          terminationGracePeriodSeconds: 10,
          nodeSelector: valueAt('nodeSelector'),
          tolerations: valueAt('tolerations'),
          affinity: new Only(affinity, affinity),
          imagePullSecrets: new Only(pullSecrets, pullSecrets),
          securityContext: {
            seccompProfile: { type: 'RuntimeDefault' },
            seLinuxOptions: new Only(seLinuxOptions, seLinuxOptions),
          },
          containers: [agent],
          volumes,
        },
      },
    },
  },
};
