/** What a user of the Helm chart can set: default, meaning, and what is allowed. */
import { imageRepository } from './names.ts';
import { Place } from './template.ts';
import type { Plain } from './template.ts';

export interface Value {
  readonly default: Plain;
  readonly description: string;
  /** JSON schema. */
  readonly schema: Readonly<Record<string, Plain>>;
}

const text = { type: 'string' };
const word = { type: 'string', minLength: 1 };
const flag = { type: 'boolean' };
const port = { type: 'integer', minimum: 1, maximum: 65_535 };
const duration = { type: 'string', pattern: '^[0-9]+(ms|s|m|h)$' };
const size = { type: 'string', pattern: '^[0-9]+(Ki|Mi|Gi)$' };
const path = { type: 'string', pattern: '^/' };
const fields = { type: 'object' };
const list = { type: 'array' };
const labels = { type: 'object', additionalProperties: { type: 'string' } };
const oneOf = (...choices: readonly string[]) => ({ type: 'string', enum: choices });

const value = (fallback: Plain, schema: Readonly<Record<string, Plain>>, description: string): Value => ({
  default: fallback,
  schema,
  description,
});

/** By their path in values.yaml. Those below `agent` are the options of `bulkhead agent`, with its own defaults. */
export const values = {
  'image.repository': value(imageRepository, word, 'Image without its tag; as built it is in no registry.'),
  'image.tag': value('', text, 'Tag of the image; empty: the version of the chart.'),
  'image.digest': value(
    '',
    { type: 'string', pattern: '^(sha256:[0-9a-f]{64})?$' },
    'Digest of the image (sha256:…), which then counts instead of the tag.',
  ),
  'image.pullPolicy': value('IfNotPresent', oneOf('Always', 'IfNotPresent', 'Never'), 'When it is pulled.'),
  imagePullSecrets: value([], list, 'Secrets to pull it with: [{name: …}].'),

  'namespace.create': value(
    false,
    flag,
    'Make the namespace of the release, labelled so that pod security admission lets the agent in.',
  ),

  'agent.datapath': value(
    'auto',
    oneOf('auto', 'ebpf', 'nftables'),
    'What enforces: eBPF, nftables, or eBPF where the kernel can.',
  ),
  'agent.startup': value(
    'strict',
    oneOf('strict', 'open'),
    'strict: addresses of the pod range are closed until they are programmed.',
  ),
  'agent.syncPeriod': value('5m', duration, 'How often the kernel is compared with what it should hold.'),
  'agent.cacheSyncTimeout': value('1m', duration, 'Degraded without a first full list for so long.'),
  'agent.degradedAfter': value('1m', duration, 'Degraded without the API server for so long.'),
  'agent.healthPort': value(
    20_244,
    port,
    'Port of /healthz, /readyz, /livez and /metrics, on the addresses of the node.',
  ),
  'agent.podInterfaces': value(
    'auto',
    word,
    "What the names of pods' interfaces begin with; auto: as the CNI configuration says; none: unknown.",
  ),
  'agent.tableMemory': value(
    '256Mi',
    size,
    'Memory of the kernel that the tables of a node may take; they grow as policies need. It counts for the limit of the pod.',
  ),
  'agent.events': value('all', oneOf('all', 'denied'), 'Flows to report.'),
  'agent.logLevel': value('info', oneOf('debug', 'info', 'warn', 'error'), 'Least level that is logged.'),
  'agent.logFormat': value('json', oneOf('text', 'json'), 'Form of log lines.'),

  'gate.enabled': value(
    false,
    flag,
    'Hold pods until their policies are in the kernel, by a CNI plugin that the agents install (docs/gate.md).',
  ),

  'paths.bpffs': value('/sys/fs/bpf', path, 'Where the BPF file system of the node is mounted.'),
  'paths.run': value('/run/bulkhead', path, 'Directory of the node for sockets and the lock.'),
  'paths.cniConf': value('/etc/cni/net.d', path, "Directory of the node's CNI configuration."),
  'paths.cniBin': value('/opt/cni/bin', path, "Directory of the node's CNI plugins, for the gate."),

  resources: value(
    { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '1Gi' } },
    fields,
    'Of the agent. Without a limit of CPU: throttling would delay enforcement.',
  ),
  maxUnavailable: value(
    '10%',
    { type: ['string', 'integer'] },
    'Nodes whose agent is replaced at once in an upgrade; their kernels go on enforcing.',
  ),
  priorityClassName: value('system-node-critical', text, 'Priority class of the pods.'),
  nodeSelector: value({ 'kubernetes.io/os': 'linux' }, labels, 'Nodes that get an agent.'),
  tolerations: value([{ operator: 'Exists' }], list, 'Taints that the agent tolerates: all of them.'),
  affinity: value({}, fields, 'Affinity of the pods.'),
  podAnnotations: value({}, labels, 'Further annotations of the pods.'),
  seLinuxOptions: value({}, fields, 'With SELinux enforcing: {type: spc_t}.'),
  tokenExpirationSeconds: value(
    3600,
    { type: 'integer', minimum: 600 },
    'Life of the service account token, which the kubelet renews.',
  ),

  'monitoring.podMonitor.enabled': value(false, flag, 'Make a PodMonitor for the Prometheus Operator.'),
  'monitoring.podMonitor.interval': value('30s', duration, 'How often it scrapes.'),
  'monitoring.podMonitor.labels': value({}, labels, 'Labels by which your Prometheus finds it.'),
  'monitoring.rules.enabled': value(false, flag, 'Make a PrometheusRule with the alerts.'),
  'monitoring.rules.labels': value({}, labels, 'Labels by which your Prometheus finds it.'),
} as const satisfies Record<string, Value>;

export type ValuePath = keyof typeof values;

export function valueAt(at: ValuePath): Place {
  return new Place(`.Values.${at}`, values[at].default);
}
