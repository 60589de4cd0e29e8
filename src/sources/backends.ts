/** The backends behind each Service port, as the endpoints controllers would find them. */
import type { IpFamily } from '../objects/ip.ts';
import type { EndpointsManifest } from '../objects/endpoints.ts';
import type { Backend, Labels, Pod, Service, ServiceEndpoints, ServicePort } from '../objects/model.ts';
import { isTerminal } from '../objects/pod.ts';
import type { ServiceManifest } from '../objects/service.ts';
import { serviceFamilies } from './services.ts';

export interface BackendContext {
  readonly families: readonly IpFamily[];
  readonly pods: ReadonlyMap<string, Pod>;
  readonly manifests: readonly ServiceManifest[];
  /** For the Services without selector. */
  readonly endpoints: readonly EndpointsManifest[];
}

/** One entry per Service port, in the order of the Services and their ports; backends in the order of the pods. */
export function resolveBackends(
  services: ReadonlyMap<string, Service>,
  context: BackendContext,
): readonly ServiceEndpoints[] {
  const candidates = indexPods(services, context.pods);
  const slices = Map.groupBy(context.endpoints, ({ namespace, service }) => `${namespace}/${service}`);
  const podByAddress = slices.size > 0 ? podsByAddress(context.pods) : new Map<string, string>();
  return context.manifests.flatMap((manifest) => {
    const service = services.get(`${manifest.namespace}/${manifest.name}`);
    if (!service || service.type === 'ExternalName') return [];
    const families = serviceFamilies(manifest, context.families);
    const pods = service.selector ? selectPods(service.namespace, service.selector, candidates) : [];
    return service.ports.map((port) => ({
      service: service.key,
      port,
      backends: service.selector
        ? pods.flatMap((pod) => podBackends(pod, port, families))
        : manualBackends(port, slices.get(service.key) ?? [], podByAddress).filter(({ address }) =>
            families.includes(address.family),
          ),
    }));
  });
}

/** As the EndpointSlices of a running cluster list them, whoever made them. */
export function listedBackends(
  services: ReadonlyMap<string, Service>,
  endpoints: readonly EndpointsManifest[],
  pods: ReadonlyMap<string, Pod>,
): readonly ServiceEndpoints[] {
  const slices = Map.groupBy(endpoints, ({ namespace, service }) => `${namespace}/${service}`);
  const podByAddress = podsByAddress(pods);
  return [...services.values()]
    .filter(({ type }) => type !== 'ExternalName')
    .flatMap(({ key, ports }) =>
      ports.map((port) => ({
        service: key,
        port,
        backends: manualBackends(port, slices.get(key) ?? [], podByAddress),
      })),
    );
}

function podBackends(pod: Pod, port: ServicePort, families: readonly IpFamily[]): Backend[] {
  const number =
    typeof port.targetPort === 'number'
      ? port.targetPort
      : pod.ports.find(({ name, protocol }) => name === port.targetPort && protocol === port.protocol)
          ?.containerPort;
  if (number === undefined) return [];
  return pod.addresses
    .filter(({ family }) => families.includes(family))
    .map((address) => ({ address, port: number, pod: pod.key }));
}

/** A Service with a single port takes endpoint ports of any name; otherwise names must agree. */
function manualBackends(
  port: ServicePort,
  endpoints: readonly EndpointsManifest[],
  podByAddress: ReadonlyMap<string, string>,
): Backend[] {
  return endpoints
    .flatMap(({ subsets }) => subsets)
    .flatMap(({ addresses, ports }) =>
      ports
        .filter(
          (candidate) => candidate.protocol === port.protocol && (candidate.name ?? '') === (port.name ?? ''),
        )
        .flatMap((candidate) =>
          addresses.map((address) => {
            const pod = podByAddress.get(address.text);
            return { address, port: candidate.port, ...(pod === undefined ? {} : { pod }) };
          }),
        ),
    );
}

/**
 * Running pods by namespace and label, for the labels that selectors name: a selector looks through the pods of its
 * rarest label instead of through all.
 */
function indexPods(
  services: ReadonlyMap<string, Service>,
  pods: ReadonlyMap<string, Pod>,
): ReadonlyMap<string, Pod[]> {
  const index = new Map<string, Pod[]>();
  for (const { namespace, selector } of services.values()) {
    for (const [key, value] of Object.entries(selector ?? {})) index.set(indexKey(namespace, key, value), []);
  }
  for (const pod of pods.values()) {
    if (isTerminal(pod.phase) || pod.phase === 'Unknown') continue;
    for (const [key, value] of Object.entries(pod.labels))
      index.get(indexKey(pod.namespace, key, value))?.push(pod);
  }
  return index;
}

function selectPods(namespace: string, selector: Labels, index: ReadonlyMap<string, Pod[]>): Pod[] {
  const wanted = Object.entries(selector);
  const lists = wanted.map(([key, value]) => index.get(indexKey(namespace, key, value)) ?? []);
  const shortest = lists.reduce((best, list) => (list.length < best.length ? list : best), lists[0] ?? []);
  return shortest.filter((pod) => wanted.every(([key, value]) => pod.labels[key] === value));
}

function indexKey(namespace: string, key: string, value: string): string {
  return `${namespace}/${key}=${value}`;
}

function podsByAddress(pods: ReadonlyMap<string, Pod>): ReadonlyMap<string, string> {
  return new Map(
    [...pods.values()]
      .filter(({ hostNetwork }) => !hostNetwork)
      .flatMap((pod) => pod.addresses.map((address): [string, string] => [address.text, pod.key])),
  );
}
