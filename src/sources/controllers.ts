/**
 * The pods that the manifests stand for: declared ones, and those that the controllers of workloads would make.
 *
 * Names are those of the real controllers where these are predictable (StatefulSet `db-0`), else `cart-1`, `cart-2`,
 * … and `agent-node-1` for a DaemonSet's pod on node-1. A name that is taken gets a suffix derived from its workload.
 * A workload whose pods (or whose ReplicaSet or Job) are in the input makes none of its own: the real ones win.
 */
import { BulkheadError, failure, type Position } from '../errors.ts';
import type { Address } from '../objects/ip.ts';
import { objectKey, type ManifestObject, type PodLabelsManifest } from '../objects/manifest.ts';
import type { OwnerReference } from '../objects/metadata.ts';
import type { Labels, Pod } from '../objects/model.ts';
import type { PodManifest, PodSpec } from '../objects/pod.ts';
import type { WorkloadManifest } from '../objects/workload.ts';
import { hash } from './hash.ts';

/** A pod before it has a node and addresses. */
export interface PodDraft extends PodSpec {
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly labels: Labels;
  readonly phase: Pod['phase'];
  readonly owner?: OwnerReference;
  /** As far as the manifest's status gives them. */
  readonly addresses: readonly Address[];
  readonly hostAddresses: readonly Address[];
  /** Pods of one group are spread over the nodes by their index. */
  readonly group: string;
  readonly index: number;
  readonly position: Position;
}

/** Enough for the largest clusters that Kubernetes supports (150,000 pods). */
const maxMadePods = 200_000;

type Objects = ReadonlyMap<string, ManifestObject>;

/** All pods but those of DaemonSets. */
export function draftPods(objects: Objects): PodDraft[] {
  const owners = new Owners(objects);
  const declared = podsOf(objects).map((pod) => draftDeclared(pod, owners));
  const makers = workloadsOf(objects).filter(
    (workload) => workload.kind !== 'DaemonSet' && !owners.hasChildren(workload),
  );
  refuseTooMany(makers);
  const made = makers.flatMap((workload) => draftReplicas(workload, owners));
  return relabel(withUniqueNames([...declared, ...made]), objects);
}

/** A mistyped number of replicas must not exhaust the memory. */
function refuseTooMany(workloads: readonly WorkloadManifest[]): void {
  let total = 0;
  for (const { kind, namespace, name, replicas, position } of workloads) {
    total += replicas;
    if (total <= maxMadePods) continue;
    throw new BulkheadError(
      failure(
        'PODS_TOO_MANY',
        `with the ${replicas} pods of ${kind} ${namespace}/${name} there are ${total}`,
        {
          hint: `Lower the replicas: at most ${maxMadePods} pods are simulated.`,
          position,
        },
      ),
    );
  }
}

/** The pods of DaemonSets, one per node. `taken` are the pods there are already. */
export function draftDaemonPods(
  objects: Objects,
  nodes: readonly string[],
  taken: readonly PodDraft[],
): PodDraft[] {
  const owners = new Owners(objects);
  const made = workloadsOf(objects)
    .filter((workload) => workload.kind === 'DaemonSet' && !owners.hasChildren(workload))
    .flatMap((workload) =>
      nodes.map((node, index) => ({
        ...draftReplica(workload, owners, { name: `${workload.name}-${node}`, index }),
        nodeName: node,
      })),
    );
  if (made.length === 0) return [];
  return relabel(withUniqueNames([...taken, ...made]).slice(taken.length), objects);
}

/** Who made whom, as `ownerReferences` tell. */
class Owners {
  readonly #objects: Objects;
  readonly #parents = new Set<string>();

  constructor(objects: Objects) {
    this.#objects = objects;
    for (const object of objects.values()) {
      for (const owner of this.chain(object)) this.#parents.add(ownerKey(object.namespace, owner));
    }
  }

  hasChildren(workload: WorkloadManifest): boolean {
    return this.#parents.has(objectKey(workload));
  }

  /** The topmost controller of an object; undefined when nothing controls it. */
  top(object: ManifestObject): OwnerReference | undefined {
    const top = this.chain(object).at(-1);
    // The kubelet owns the pods that it runs from files; that is no workload.
    return top?.kind === 'Node' ? undefined : top;
  }

  /** From the immediate controller upwards. */
  chain(object: ManifestObject): OwnerReference[] {
    const chain: OwnerReference[] = [];
    const seen = new Set<string>();
    let owner = object.controller;
    while (owner) {
      const key = ownerKey(object.namespace, owner);
      if (seen.has(key)) break;
      seen.add(key);
      chain.push(owner);
      const declared = this.#objects.get(key);
      owner = declared ? declared.controller : this.#guessParent(object, owner);
    }
    return chain;
  }

  /** The parent of a ReplicaSet or Job that is not in the input, from how its name is made. */
  #guessParent(object: ManifestObject, owner: OwnerReference): OwnerReference | undefined {
    const templateHash = object.labels['pod-template-hash'];
    if (owner.kind === 'ReplicaSet' && templateHash && owner.name.endsWith(`-${templateHash}`)) {
      return { kind: 'Deployment', name: owner.name.slice(0, -templateHash.length - 1) };
    }
    const cronJob = { kind: 'CronJob', name: owner.name.replace(/-\d+$/, '') };
    const isKnown = owner.kind === 'Job' && this.#objects.has(ownerKey(object.namespace, cronJob));
    return isKnown ? cronJob : undefined;
  }
}

function ownerKey(namespace: string, owner: OwnerReference): string {
  return `${owner.kind}/${namespace}/${owner.name}`;
}

function draftDeclared(pod: PodManifest, owners: Owners): PodDraft {
  const key = `${pod.namespace}/${pod.name}`;
  const owner = owners.top(pod);
  return {
    key,
    namespace: pod.namespace,
    name: pod.name,
    labels: pod.labels,
    phase: pod.phase,
    hostNetwork: pod.hostNetwork,
    ports: pod.ports,
    addresses: pod.addresses,
    hostAddresses: pod.hostAddresses,
    position: pod.position,
    ...(pod.nodeName === undefined ? {} : { nodeName: pod.nodeName }),
    ...(owner ? { owner } : {}),
    group: key,
    index: 0,
  };
}

function draftReplicas(workload: WorkloadManifest, owners: Owners): PodDraft[] {
  const first = workload.kind === 'StatefulSet' ? workload.firstOrdinal : 1;
  return Array.from({ length: workload.replicas }, (_, index) =>
    draftReplica(workload, owners, { name: `${workload.name}-${first + index}`, index }),
  );
}

function draftReplica(
  workload: WorkloadManifest,
  owners: Owners,
  replica: { readonly name: string; readonly index: number },
): PodDraft {
  const { namespace, template, position } = workload;
  const { name, index } = replica;
  return {
    ...template,
    key: `${namespace}/${name}`,
    namespace,
    name,
    labels: addedLabels(workload, replica),
    phase: 'Running',
    owner: owners.top(workload) ?? { kind: workload.kind, name: workload.name },
    addresses: [],
    hostAddresses: [],
    group: objectKey(workload),
    index,
    position,
  };
}

/** The template's labels and those that the controller adds and that people select by. */
function addedLabels(workload: WorkloadManifest, replica: { name: string; index: number }): Labels {
  const { labels } = workload.template;
  if (workload.kind === 'StatefulSet') {
    return {
      ...labels,
      'statefulset.kubernetes.io/pod-name': replica.name,
      'apps.kubernetes.io/pod-index': String(workload.firstOrdinal + replica.index),
    };
  }
  if (workload.kind === 'Job' || workload.kind === 'CronJob') {
    return { ...labels, 'job-name': workload.name, 'batch.kubernetes.io/job-name': workload.name };
  }
  return labels;
}

/** Earlier drafts keep their names; a later one of the same name gets a suffix. */
function withUniqueNames(drafts: readonly PodDraft[]): PodDraft[] {
  const taken = new Set<string>();
  return drafts.map((draft) => {
    if (!taken.has(draft.key)) {
      taken.add(draft.key);
      return draft;
    }
    let name = draft.name;
    for (let attempt = 0; taken.has(`${draft.namespace}/${name}`); attempt += 1) {
      const suffix = hash(`${draft.group}/${draft.index}/${attempt}`).toString(36).slice(0, 5);
      name = `${draft.name}-${suffix}`;
    }
    const key = `${draft.namespace}/${name}`;
    taken.add(key);
    return { ...draft, name, key };
  });
}

function relabel(drafts: readonly PodDraft[], objects: Objects): PodDraft[] {
  return drafts.map((draft) => {
    const object = objects.get(`PodLabels/${draft.key}`);
    return object?.kind === 'PodLabels'
      ? { ...draft, labels: changeLabels(draft.labels, object.changes) }
      : draft;
  });
}

/** `labels` with each change set, or removed where it is null. */
export function changeLabels(labels: Labels, changes: PodLabelsManifest['changes']): Labels {
  const all = Object.entries({ ...labels, ...changes });
  return Object.fromEntries(all.filter((entry): entry is [string, string] => entry[1] !== null));
}

function podsOf(objects: Objects): PodManifest[] {
  return [...objects.values()].filter((object) => object.kind === 'Pod').toSorted(byKey);
}

/** StatefulSets first: their pods' names are fixed by the API. */
function workloadsOf(objects: Objects): WorkloadManifest[] {
  const workloads = [...objects.values()].filter(
    (object): object is WorkloadManifest => 'template' in object,
  );
  return [
    ...workloads.filter(({ kind }) => kind === 'StatefulSet').toSorted(byKey),
    ...workloads.filter(({ kind }) => kind !== 'StatefulSet').toSorted(byKey),
  ];
}

function byKey(a: ManifestObject, b: ManifestObject): number {
  const [left, right] = [objectKey(a), objectKey(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}
