/** The ends of a question by name or address: `shop/cart-0`, `shop/cart`, `cart`, `10.0.0.7`, `internet`. */
import { BulkheadError, failure } from '../errors.ts';
import { parseAddress } from '../objects/ip.ts';
import type { Address } from '../objects/ip.ts';
import type { Cluster, Pod, Service } from '../objects/model.ts';
import { closest } from '../objects/suggest.ts';
import type { Policy } from '../policy/ir.ts';
import { externalRanges } from './external-points.ts';

export type Endpoint =
  /** One pod, or all pods of a workload that have an address. */
  | {
      readonly kind: 'pods';
      readonly name: string;
      readonly workload?: string;
      readonly pods: readonly Pod[];
    }
  | { readonly kind: 'service'; readonly name: string; readonly service: Service }
  /** Of whatever holds it; `internet` has one per family. */
  | { readonly kind: 'addresses'; readonly name: string; readonly addresses: readonly Address[] };

type NamedEndpoint = Exclude<Endpoint, { kind: 'addresses' }>;

/** What `--from` may be: everything but Services. Throws as `resolveDestination` does. */
export function resolveSource(cluster: Cluster, policies: readonly Policy[], text: string): Endpoint {
  const kinds = 'pod or workload';
  const candidates = [...podsByKey(cluster), ...workloads(cluster)];
  return addressEndpoint(cluster, policies, text) ?? named(text, candidates, kinds);
}

/**
 * A pod is preferred to a Service, and that to a workload, where they share a name. The address of a Service means
 * the Service. Throws `EXPLAIN_UNKNOWN_ENDPOINT`, `EXPLAIN_AMBIGUOUS_NAME`, `EXPLAIN_NO_ADDRESS`.
 */
export function resolveDestination(cluster: Cluster, policies: readonly Policy[], text: string): Endpoint {
  const address = parseAddress(text);
  const service = cluster.services
    .values()
    .find(({ clusterIPs }) => clusterIPs.some((candidate) => candidate.text === address?.text));
  if (service) return { kind: 'service', name: service.key, service };
  const candidates = [...podsByKey(cluster), ...servicesByKey(cluster), ...workloads(cluster)];
  return addressEndpoint(cluster, policies, text) ?? named(text, candidates, 'pod, Service or workload');
}

function addressEndpoint(cluster: Cluster, policies: readonly Policy[], text: string): Endpoint | undefined {
  const address = parseAddress(text);
  if (address) return { kind: 'addresses', name: address.text, addresses: [address] };
  const range = externalRanges(cluster, policies).find(({ id }) => id === text);
  return range && { kind: 'addresses', name: range.id, addresses: range.addresses };
}

function* podsByKey(cluster: Cluster): Generator<NamedEndpoint> {
  for (const pod of cluster.pods.values()) yield { kind: 'pods', name: pod.key, pods: [pod] };
}

function* servicesByKey(cluster: Cluster): Generator<NamedEndpoint> {
  for (const service of cluster.services.values()) yield { kind: 'service', name: service.key, service };
}

/** By `namespace/name` and, to tell kinds apart, by `namespace/kind/name`. */
function* workloads(cluster: Cluster): Generator<NamedEndpoint> {
  const owned = cluster.pods.values().filter(({ owner }) => owner !== undefined);
  const groups = Map.groupBy(owned, ({ namespace, owner }) => `${namespace}/${owner?.kind}/${owner?.name}`);
  for (const pods of groups.values()) {
    const [first] = pods;
    if (!first?.owner) continue;
    const { kind, name } = first.owner;
    const live = pods.filter(({ addresses }) => addresses.length > 0);
    const endpoint = { kind: 'pods', workload: kind, pods: live.length > 0 ? live : pods } as const;
    yield { ...endpoint, name: `${first.namespace}/${name}` };
    yield { ...endpoint, name: `${first.namespace}/${kind.toLowerCase()}/${name}` };
  }
}

/** The first of the name; without a namespace, if there is only one namespace that has it. */
function named(text: string, candidates: readonly NamedEndpoint[], kinds: string): Endpoint {
  const lastPart = (name: string) => name.slice(name.lastIndexOf('/') + 1);
  const matches = candidates.filter(
    ({ name }) => name === text || (!text.includes('/') && lastPart(name) === text),
  );
  const [match] = matches;
  const names = [...new Set(matches.map(({ name }) => name))].filter((name) => name.split('/').length === 2);
  if (names.length > 1) {
    throw new BulkheadError(
      failure('EXPLAIN_AMBIGUOUS_NAME', `"${text}" could be any of: ${names.join(', ')}`, {
        hint: 'Write the namespace in front of the name.',
      }),
    );
  }
  if (!match)
    throw unknownEndpoint(
      text,
      candidates.map(({ name }) => name),
      kinds,
    );
  if (match.kind === 'pods' && match.pods.every(({ addresses }) => addresses.length === 0)) {
    const phase = match.pods[0]?.phase ?? 'Unknown';
    throw new BulkheadError(
      failure(
        'EXPLAIN_NO_ADDRESS',
        `${match.name} has no address (its phase is ${phase}), so it can neither send nor receive`,
        {
          hint: 'Ask about a pod that runs.',
        },
      ),
    );
  }
  return match;
}

function unknownEndpoint(text: string, names: readonly string[], kinds: string): BulkheadError {
  const known = [...new Set(names)];
  const short = text.includes('/')
    ? known
    : [...known, ...known.map((name) => name.slice(name.lastIndexOf('/') + 1))];
  const guess = closest(text, short);
  const sameNamespace = known.filter(
    (name) => name.startsWith(`${text.split('/')[0]}/`) && name.split('/').length === 2,
  );
  const listed = (sameNamespace.length > 0 ? sameNamespace : known).slice(0, 10);
  const hint = guess
    ? `Did you mean ${guess}?`
    : listed.length > 0
      ? `There are, among others: ${listed.join(', ')}. An IP address or "internet" will do too.`
      : 'The manifests hold no pods; an IP address or "internet" will do.';
  return new BulkheadError(failure('EXPLAIN_UNKNOWN_ENDPOINT', `there is no ${kinds} "${text}"`, { hint }));
}
