/** Endpoints and EndpointSlices. Upstream: k8s.io/api core/v1 and discovery/v1. */
import type { Cursor } from './cursor.ts';
import { parseAddress, type Address } from './ip.ts';
import { decodeMetadata, type Metadata } from './metadata.ts';
import type { Protocol } from './model.ts';
import { decodePortNumber, decodeProtocol } from './ports.ts';
import { notAnAddress, readAddress } from './pod.ts';

/** Every address listens on every port. */
export interface EndpointSubset {
  /** Ready ones only. */
  readonly addresses: readonly Address[];
  readonly ports: readonly EndpointPort[];
}

export interface EndpointPort {
  readonly name?: string;
  readonly protocol: Protocol;
  readonly port: number;
}

export interface EndpointsManifest extends Metadata {
  readonly kind: 'Endpoints' | 'EndpointSlice';
  /** The Service in the same namespace; empty when a slice names none. */
  readonly service: string;
  readonly subsets: readonly EndpointSubset[];
}

export function decodeEndpoints(object: Cursor): EndpointsManifest {
  const metadata = decodeMetadata(object, { namespaced: true, name: 'subdomain' });
  const subsets = (object.objects('subsets') ?? []).map((subset) => ({
    addresses: (subset.objects('addresses') ?? []).flatMap((item) => readAddress(item, 'ip')),
    ports: (subset.objects('ports') ?? []).flatMap(decodeEndpointPort),
  }));
  return { kind: 'Endpoints', ...metadata, service: metadata.name, subsets };
}

export function decodeEndpointSlice(object: Cursor): EndpointsManifest {
  const metadata = decodeMetadata(object, { namespaced: true, name: 'subdomain' });
  // Slices of type FQDN hold names, which nothing can be routed to.
  const isAddresses = object.string('addressType') !== 'FQDN';
  const ready = (object.objects('endpoints') ?? []).filter(
    (endpoint) => endpoint.object('conditions')?.boolean('ready') ?? true,
  );
  const addresses = isAddresses
    ? ready.flatMap((endpoint) =>
        (endpoint.strings('addresses') ?? []).flatMap(({ text, at }) => {
          const address = parseAddress(text);
          if (!address) at.invalid(text, ...notAnAddress);
          return address ? [address] : [];
        }),
      )
    : [];
  const ports = (object.objects('ports') ?? []).flatMap(decodeEndpointPort);
  const service = metadata.labels['kubernetes.io/service-name'] ?? '';
  return { kind: 'EndpointSlice', ...metadata, service, subsets: [{ addresses, ports }] };
}

function decodeEndpointPort(item: Cursor): EndpointPort[] {
  const port = decodePortNumber(item, 'port');
  const name = item.string('name');
  const protocol = decodeProtocol(item);
  return port === undefined ? [] : [{ ...(name ? { name } : {}), protocol, port }];
}
