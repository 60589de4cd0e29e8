/** The kinds whose controllers make pods. Upstream: k8s.io/api apps/v1, batch/v1, core/v1. */
import type { Cursor } from './cursor.ts';
import { decodeMetadata, type Metadata } from './metadata.ts';
import { decodePodTemplate, type PodTemplate } from './pod.ts';

export const workloadKinds = [
  'Deployment',
  'ReplicaSet',
  'StatefulSet',
  'DaemonSet',
  'Job',
  'CronJob',
  'ReplicationController',
] as const;

export type WorkloadKind = (typeof workloadKinds)[number];

/** Every version that ever served the kind; what is read from them never changed. */
export const workloadVersions: Readonly<Record<WorkloadKind, readonly string[]>> = {
  Deployment: ['apps/v1', 'apps/v1beta2', 'apps/v1beta1', 'extensions/v1beta1'],
  ReplicaSet: ['apps/v1', 'apps/v1beta2', 'extensions/v1beta1'],
  StatefulSet: ['apps/v1', 'apps/v1beta2', 'apps/v1beta1'],
  DaemonSet: ['apps/v1', 'apps/v1beta2', 'extensions/v1beta1'],
  Job: ['batch/v1'],
  CronJob: ['batch/v1', 'batch/v1beta1', 'batch/v2alpha1'],
  ReplicationController: ['v1'],
};

export interface WorkloadManifest extends Metadata {
  readonly kind: WorkloadKind;
  /** How many pods its controller makes; meaningless for a DaemonSet, which has one per node. */
  readonly replicas: number;
  /** The number of the first pod of a StatefulSet (`spec.ordinals.start`); else 0. */
  readonly firstOrdinal: number;
  readonly template: PodTemplate;
}

export function decodeWorkload(object: Cursor, kind: WorkloadKind): WorkloadManifest {
  const metadata = decodeMetadata(object, { namespaced: true, name: 'subdomain' });
  const spec = object.object('spec');
  const jobSpec = kind === 'CronJob' ? spec?.object('jobTemplate')?.object('spec') : spec;
  return {
    kind,
    ...metadata,
    replicas: kind === 'Job' || kind === 'CronJob' ? jobPods(object, spec, jobSpec) : replicasOf(spec),
    firstOrdinal: spec?.object('ordinals')?.integer('start') ?? 0,
    template: decodePodTemplate(jobSpec),
  };
}

function replicasOf(spec: Cursor | undefined): number {
  return atLeastZero(spec, 'replicas') ?? 1;
}

/** Pods that run at once; none when suspended or finished. */
function jobPods(object: Cursor, spec: Cursor | undefined, jobSpec: Cursor | undefined): number {
  const parallelism = atLeastZero(jobSpec, 'parallelism') ?? 1;
  const completions = atLeastZero(jobSpec, 'completions') ?? parallelism;
  const finished = (object.object('status')?.objects('conditions') ?? []).some(
    (condition) =>
      ['Complete', 'Failed'].includes(condition.string('type') ?? '') &&
      condition.string('status') === 'True',
  );
  return finished || spec?.boolean('suspend') ? 0 : Math.min(parallelism, completions);
}

function atLeastZero(spec: Cursor | undefined, key: string): number | undefined {
  const value = spec?.integer(key);
  if (value === undefined || value >= 0) return value;
  spec?.at(key).invalid(value, 'must be greater than or equal to 0', 'Use 0 or more.');
  return 0;
}
