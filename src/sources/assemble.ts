/**
 * Manifests → a whole cluster: what controllers, scheduler, IPAM and endpoints controllers would make of them.
 * Everything left open is decided from names, so that equal manifests give equal clusters and a change moves little.
 */
import { BulkheadError } from '../errors.ts';
import type { EndpointsManifest } from '../objects/endpoints.ts';
import type { ManifestObject } from '../objects/manifest.ts';
import type { Labels, Cluster, Namespace, NetworkPolicy } from '../objects/model.ts';
import type { ServiceManifest } from '../objects/service.ts';
import { AddressClaims } from './address-claims.ts';
import { resolveBackends } from './backends.ts';
import { draftDaemonPods, draftPods } from './controllers.ts';
import { makeNodes, type NodeOptions } from './nodes.ts';
import { makePods } from './pods.ts';
import { makeServices, nodePortClashes } from './services.ts';

export type AssembleOptions = NodeOptions;

/**
 * Nodes, addresses, cluster IPs and node ports that `previous` holds are kept for what is still there under its key.
 * @throws BulkheadError when two objects claim one address or node port, or no node has an address left for a pod.
 */
export function assembleCluster(
  objects: ReadonlyMap<string, ManifestObject>,
  options: AssembleOptions,
  previous?: Cluster,
): Cluster {
  const { families } = options;
  const all = [...objects.values()];
  const drafts = draftPods(objects);
  const nodes = makeNodes(objects, drafts, options, previous);
  const podDrafts = [...drafts, ...draftDaemonPods(objects, [...nodes.keys()], drafts)];
  const manifests = all
    .filter((object): object is ServiceManifest => object.kind === 'Service')
    .toSorted(byName);

  const claims = new AddressClaims();
  for (const { name, addresses, position } of nodes.values()) {
    const holder = { name: `Node ${name}`, ...(position ? { position } : {}) };
    for (const address of addresses) claims.claim(address, holder);
  }
  for (const { namespace, name, clusterIPs, position } of manifests) {
    for (const address of clusterIPs)
      claims.claim(address, { name: `Service ${namespace}/${name}`, position });
  }
  const context = { families, nodes, claims, ...(previous ? { previous } : {}) };
  const pods = makePods(podDrafts, context);
  const problems = [...claims.problems, ...nodePortClashes(manifests)];
  if (problems.length > 0) throw new BulkheadError(problems);

  const services = makeServices(manifests, { ...context, claimed: claims.taken });
  const isEndpoints = (object: ManifestObject): object is EndpointsManifest =>
    object.kind === 'Endpoints' || object.kind === 'EndpointSlice';
  const endpoints = resolveBackends(services, {
    families,
    pods,
    manifests,
    endpoints: all.filter(isEndpoints),
  });
  return {
    namespaces: makeNamespaces(all),
    nodes,
    pods,
    services,
    endpoints,
    networkPolicies: makePolicies(all),
    families,
  };
}

/** Declared namespaces, and those that exist because something is in them. */
function makeNamespaces(objects: readonly ManifestObject[]): ReadonlyMap<string, Namespace> {
  const named = (name: string, labels: Labels): Labels => ({
    ...labels,
    'kubernetes.io/metadata.name': name,
  });
  const namespaces = new Map<string, Namespace>();
  for (const { namespace: name } of objects) {
    if (name !== '' && !namespaces.has(name)) namespaces.set(name, { name, labels: named(name, {}) });
  }
  for (const object of objects) {
    if (object.kind !== 'Namespace') continue;
    const { name, labels, position } = object;
    namespaces.set(name, { name, labels: named(name, labels), position });
  }
  return new Map([...namespaces].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function makePolicies(objects: readonly ManifestObject[]): ReadonlyMap<string, NetworkPolicy> {
  const policies = objects.flatMap((object) => (object.kind === 'NetworkPolicy' ? [object] : []));
  return new Map(policies.toSorted(byName).map(({ policy }) => [policy.key, policy]));
}

function byName(a: ManifestObject, b: ManifestObject): number {
  const [left, right] = [`${a.namespace}/${a.name}`, `${b.namespace}/${b.name}`];
  return left < right ? -1 : left > right ? 1 : 0;
}
