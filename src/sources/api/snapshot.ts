/** A whole cluster as its API server has it now, for the commands that otherwise read manifests: each resource is listed once. */
import { BulkheadError, failure, type Diagnostic } from '../../errors.ts';
import { ApiError } from '../../kubernetes/api-error.ts';
import type { KubernetesClient, RawObject } from '../../kubernetes/client.ts';
import { listAll } from '../../kubernetes/paged-list.ts';
import {
  endpointSlices,
  namespaces,
  networkPolicies,
  nodes,
  pods,
  services,
  type Resource,
} from '../../kubernetes/resource.ts';
import type { IpFamily } from '../../objects/ip.ts';
import type { Cluster, NetworkPolicy } from '../../objects/model.ts';
import { listedBackends } from '../backends.ts';
import { closedPolicy } from './closed-policy.ts';
import type { Decoded } from './decoded.ts';
import { decodeNamespace } from './namespace.ts';
import { decodeApiPolicy } from './network-policy.ts';
import { decodeNode } from './node.ts';
import { decodePod } from './pod.ts';
import { policyDocument } from './policy-document.ts';
import { decodeApiEndpointSlice, decodeApiService } from './service.ts';
import { Sharing } from './sharing.ts';

export interface ClusterSnapshot {
  readonly cluster: Cluster;
  /** What is wrong with objects; none of it is an error, as the cluster is what it is. */
  readonly problems: readonly Diagnostic[];
  /** The text that positions in a policy are places of, as `kubectl get -o yaml` prints it; by `position.file`. */
  readonly textOf: (file: string) => string | undefined;
}

/** @throws BulkheadError KUBERNETES_…; KUBERNETES_FORBIDDEN names every right that is missing */
export async function readSnapshot(client: KubernetesClient): Promise<ClusterSnapshot> {
  const sharing = new Sharing();
  const problems: Diagnostic[] = [];
  const list = async <T>(
    resource: Resource,
    decode: (raw: RawObject) => Decoded<T>,
  ): Promise<readonly T[]> => {
    const { items } = await listAll(client, resource, decode);
    problems.push(...items.flatMap((item) => item.problems.map(asWarning)));
    return items.flatMap(({ object }) => object ?? []);
  };
  const raws = new Map<string, RawObject>();
  const [namespaceList, nodeList, podList, serviceList, sliceList, policyList] = await all([
    list(namespaces, decodeNamespace),
    list(nodes, decodeNode),
    list(pods, (raw) => decodePod(raw, sharing)),
    list(services, decodeApiService),
    list(endpointSlices, decodeApiEndpointSlice),
    list(networkPolicies, (raw) => decodePolicy(raw, raws)),
  ]);
  const podMap = byKey(podList);
  const serviceMap = byKey(serviceList);
  const addresses = [
    ...podList.filter(({ hostNetwork }) => !hostNetwork).flatMap((pod) => pod.addresses),
    ...serviceList.flatMap(({ clusterIPs }) => clusterIPs),
    ...nodeList.flatMap(({ podCIDRs }) => podCIDRs),
  ];
  const families = [...new Set<IpFamily>(addresses.map(({ family }) => family))].toSorted();
  const cluster: Cluster = {
    namespaces: new Map(namespaceList.map((one) => [one.name, one])),
    nodes: new Map(nodeList.map((one) => [one.name, one])),
    pods: podMap,
    services: serviceMap,
    endpoints: listedBackends(serviceMap, sliceList, podMap),
    networkPolicies: byKey(policyList),
    families: families.length === 0 ? [4] : families,
  };
  const textOf = (file: string): string | undefined => {
    const raw = raws.get(file);
    return raw && policyDocument(raw, 'networking.k8s.io/v1').text;
  };
  return { cluster, problems, textOf };
}

/** One that can't be read is taken as the agents take it. */
function decodePolicy(raw: RawObject, raws: Map<string, RawObject>): Decoded<NetworkPolicy> {
  const { policy, problems } = decodeApiPolicy(raw);
  raws.set(`networkpolicies/${policy.key}`, raw);
  if (policy.refused === undefined) return { object: policy.policy, problems };
  const told = problems.map((problem) =>
    problem.severity === 'error'
      ? { ...problem, message: `${problem.message}; agents refuse it: taken as closed` }
      : problem,
  );
  return { object: closedPolicy(policy), problems: told };
}

function asWarning(problem: Diagnostic): Diagnostic {
  return { ...problem, severity: 'warning' };
}

function byKey<T extends { readonly key: string }>(objects: readonly T[]): ReadonlyMap<string, T> {
  return new Map(objects.map((object) => [object.key, object]));
}

/** As Promise.all, but of rights that are missing every one is told. */
async function all<T extends readonly unknown[]>(lists: {
  readonly [K in keyof T]: Promise<T[K]>;
}): Promise<T> {
  const results = await Promise.allSettled(lists);
  const errors: unknown[] = results.flatMap((result) =>
    result.status === 'rejected' ? [result.reason] : [],
  );
  const forbidden = errors.filter((error) => error instanceof ApiError && error.status === 403);
  const other = errors.find((error) => !forbidden.includes(error));
  if (other !== undefined) throw other;
  if (forbidden.length > 0) throw notAllowed(forbidden as readonly ApiError[]);
  return Promise.all(lists);
}

function notAllowed(errors: readonly ApiError[]): BulkheadError {
  const hint =
    'To judge connections, all of the cluster must be read: bind a ClusterRole with list on pods, namespaces, nodes, services, endpointslices.discovery.k8s.io and networkpolicies.networking.k8s.io.';
  const told = errors.flatMap(({ diagnostics }) => diagnostics);
  return new BulkheadError(
    told.map(({ code, message }, index) => failure(code, message, index === told.length - 1 ? { hint } : {})),
    { cause: errors[0] },
  );
}
