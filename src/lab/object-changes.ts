/** What a request does to the lab's objects, before anything acts on it. Pure. */
import { BulkheadError, failure } from '../errors.ts';
import { objectKey } from '../objects/manifest.ts';
import type { ManifestObject, NamespaceManifest, PodLabelsManifest } from '../objects/manifest.ts';
import type { Cluster, Labels } from '../objects/model.ts';
import { closest } from '../objects/suggest.ts';
import { workloadKinds } from '../objects/workload.ts';
import type { WorkloadManifest } from '../objects/workload.ts';
import type { LabelRequest, ObjectChange, Objects, ScaleRequest } from './protocol.ts';

export interface ObjectChanges {
  readonly objects: Objects;
  readonly changes: readonly ObjectChange[];
}

/** Adds objects and replaces those of the same key. Unchanged ones are replaced too: their positions may be new. */
export function applyObjects(current: Objects, applied: Objects): ObjectChanges {
  const changes = [...applied].map(([key, object]): ObjectChange => {
    const before = current.get(key);
    if (!before) return { key, change: 'created' };
    return { key, change: sameContent(before, object) ? 'unchanged' : 'changed' };
  });
  return { objects: new Map([...current, ...applied]), changes };
}

/**
 * Takes objects away, and with a namespace all that is in it. Throws BulkheadError LAB_OBJECT_NOT_FOUND naming every
 * key that is not there.
 */
export function deleteObjects(current: Objects, keys: readonly string[]): ObjectChanges {
  const missing = keys.filter((key) => !current.has(key) && !isImplicitNamespace(current, key));
  if (missing.length > 0) throw new BulkheadError(missing.map((key) => notFound(key, current.keys())));
  const doomed = new Set(keys);
  const gone = [...current].filter(
    ([key, { namespace }]) => doomed.has(key) || (namespace !== '' && doomed.has(`Namespace//${namespace}`)),
  );
  const goneKeys = new Set(gone.map(([key]) => key));
  return {
    objects: new Map([...current].filter(([key]) => !goneKeys.has(key))),
    changes: [...goneKeys].map((key) => ({ key, change: 'deleted' })),
  };
}

/** Throws BulkheadError LAB_OBJECT_NOT_FOUND. */
export function labelObject(current: Objects, cluster: Cluster, request: LabelRequest): ObjectChanges {
  const object =
    request.kind === 'Namespace'
      ? relabelNamespace(current, cluster, request)
      : relabelPod(current, cluster, request);
  const { objects, changes } = applyObjects(current, new Map([[objectKey(object), object]]));
  // What is new is our note of it: to the user the pod or namespace was there before.
  return {
    objects,
    changes: changes.map(({ key, change }) => ({ key, change: change === 'unchanged' ? change : 'changed' })),
  };
}

/** Throws BulkheadError LAB_OBJECT_NOT_FOUND or LAB_NOT_SCALABLE. */
export function scaleObject(current: Objects, { key, replicas }: ScaleRequest): ObjectChanges {
  const object = current.get(key);
  if (!object) throw new BulkheadError(notFound(key, current.keys()));
  if (!isWorkload(object) || object.kind === 'DaemonSet') {
    throw new BulkheadError(
      failure('LAB_NOT_SCALABLE', `a ${object.kind} has no replicas to scale`, {
        hint: 'Scale a Deployment, StatefulSet, ReplicaSet, ReplicationController or Job.',
      }),
    );
  }
  return applyObjects(current, new Map([[key, { ...object, replicas }]]));
}

/**
 * Without our notes of labels of pods that are gone: who has the name of one next is another pod, with the labels that
 * its template gives it.
 */
export function withoutStrayLabels(objects: Objects, cluster: Cluster): Objects {
  const isStray = (object: ManifestObject) =>
    object.kind === 'PodLabels' && !cluster.pods.has(`${object.namespace}/${object.name}`);
  return new Map([...objects].filter(([, object]) => !isStray(object)));
}

/** The namespace object is made here if objects are in the namespace and none declares it. */
function relabelNamespace(current: Objects, cluster: Cluster, request: LabelRequest): ManifestObject {
  const declared = current.get(`Namespace//${request.name}`);
  const implied = cluster.namespaces.get(request.name);
  if (!declared && !implied) {
    const known = [...cluster.namespaces.keys()].map((name) => `Namespace//${name}`);
    throw new BulkheadError(notFound(`Namespace//${request.name}`, known));
  }
  const fresh: NamespaceManifest = {
    kind: 'Namespace',
    namespace: '',
    name: request.name,
    labels: implied?.labels ?? {},
    position: commandPosition,
  };
  const object = declared ?? fresh;
  return { ...object, labels: relabel(object.labels, request) };
}

/** A pod that a controller makes keeps a note of its changed labels, as no manifest of its own exists. */
function relabelPod(current: Objects, cluster: Cluster, request: LabelRequest): ManifestObject {
  const declared = current.get(`Pod/${request.name}`);
  if (declared) return { ...declared, labels: relabel(declared.labels, request) };
  const pod = cluster.pods.get(request.name);
  if (!pod) {
    const known = [...cluster.pods.keys()].map((name) => `Pod/${name}`);
    throw new BulkheadError(notFound(`Pod/${request.name}`, known));
  }
  const before = current.get(`PodLabels/${request.name}`);
  const object: PodLabelsManifest = {
    kind: 'PodLabels',
    namespace: pod.namespace,
    name: pod.name,
    labels: {},
    changes: {
      ...(before?.kind === 'PodLabels' ? before.changes : {}),
      ...request.set,
      ...Object.fromEntries(request.remove.map((key) => [key, null])),
    },
    position: commandPosition,
  };
  return object;
}

/** Where a label stands that no manifest gave. */
const commandPosition = { file: 'bulkhead lab label', line: 1, column: 1 } as const;

function relabel(labels: Labels, { set, remove }: LabelRequest): Labels {
  const kept = Object.entries(labels).filter(([key]) => !remove.includes(key));
  return { ...Object.fromEntries(kept), ...set };
}

function isWorkload(object: ManifestObject): object is WorkloadManifest {
  return workloadKinds.some((kind) => kind === object.kind);
}

/** A namespace that exists only because something is in it. */
function isImplicitNamespace(current: Objects, key: string): boolean {
  const [kind, , name] = key.split('/');
  return kind === 'Namespace' && current.values().some(({ namespace }) => namespace === name);
}

function notFound(key: string, known: Iterable<string>) {
  const near = closest(key, known);
  const hint = near
    ? `Did you mean ${displayKey(near)}?`
    : 'Names are those of the manifests: `bulkhead lab status` lists the pods.';
  return failure('LAB_OBJECT_NOT_FOUND', `the lab has no ${displayKey(key)}`, { hint });
}

/** `Deployment shop/cart`, `Namespace shop`. */
export function displayKey(key: string): string {
  const [kind = '', namespace = '', name = ''] = key.split('/');
  return `${kind === 'PodLabels' ? 'Pod' : kind} ${namespace === '' ? name : `${namespace}/${name}`}`;
}

/** Whether two objects say the same, wherever they were read from. */
function sameContent(a: ManifestObject, b: ManifestObject): boolean {
  return withoutPositions(a) === withoutPositions(b);
}

function withoutPositions(object: ManifestObject): string {
  return JSON.stringify(object, (key, value: unknown) => {
    if (key === 'position') return undefined;
    if (typeof value === 'bigint') return value.toString();
    return value instanceof Map ? [...value] : value;
  });
}
