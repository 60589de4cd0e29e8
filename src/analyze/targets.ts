/** Where the packets of a question go: pod ports behind names, and backends behind Services (DNAT). */
import { BulkheadError, failure } from '../errors.ts';
import type { Address } from '../objects/ip.ts';
import type { Backend, Cluster, ContainerPort, Pod, Service, ServicePort } from '../objects/model.ts';
import { holderOf } from '../policy/holder.ts';
import { protocolNumbers } from '../policy/verdict.ts';
import type { Endpoint } from './endpoint-query.ts';
import type { PortQuery } from './port-query.ts';

/** The destination of a flow, after DNAT. */
export interface Target {
  /** The pod's key, or the address. */
  readonly name: string;
  readonly address: Address;
  /** IANA number. */
  readonly protocol: number;
  /** 0 for ICMP. */
  readonly port: number;
  readonly dnat?: Dnat;
}

/** What the client connects to, when a Service stands before the target. */
export interface Dnat {
  /** `namespace/name`. */
  readonly service: string;
  /** The cluster IP. */
  readonly address: Address;
  /** The Service's port. */
  readonly port: number;
}

const icmpNumbers = { 4: 1, 6: 58 } as const;

/** Throws `EXPLAIN_UNKNOWN_PORT`, `EXPLAIN_NO_BACKENDS`. At least one target. */
export function targetsOf(cluster: Cluster, to: Endpoint, port: PortQuery): readonly Target[] {
  switch (to.kind) {
    case 'pods':
      return podTargets(to.name, to.pods, port);
    case 'service':
      return to.service.headless
        ? headlessTargets(cluster, to.service, port)
        : serviceTargets(cluster, to.service, port);
    case 'addresses':
      return to.addresses.flatMap((address) => addressTargets(cluster, address, port));
  }
}

/** A pod without the named port is no target; it is an error if none has it. */
function podTargets(name: string, pods: readonly Pod[], port: PortQuery): readonly Target[] {
  const targets = pods.flatMap((pod) =>
    pod.addresses.flatMap((address) => portTargets({ name: pod.key, address, ports: pod.ports }, port)),
  );
  if (targets.length > 0) return targets;
  const declared = [...new Set(pods.flatMap((pod) => pod.ports.map(describeContainerPort)))];
  throw unknownPort(`${name} has no port named "${portText(port)}"`, declared);
}

interface Addressee {
  readonly name: string;
  readonly address: Address;
  readonly ports: readonly ContainerPort[];
}

function portTargets({ name, address, ports }: Addressee, port: PortQuery): readonly Target[] {
  switch (port.kind) {
    case 'icmp':
      return [{ name, address, protocol: icmpNumbers[address.family], port: 0 }];
    case 'number':
      return [{ name, address, protocol: protocolNumbers[port.protocol], port: port.port }];
    case 'name':
      return ports
        .filter((has) => has.name === port.name && (port.protocol ?? has.protocol) === has.protocol)
        .map((has) => ({ name, address, protocol: protocolNumbers[has.protocol], port: has.containerPort }));
  }
}

/** A pod, node or outsider by address. */
function addressTargets(cluster: Cluster, address: Address, port: PortQuery): readonly Target[] {
  const holder = holderOf(cluster, address);
  const pod = holder.kind === 'pod' ? holder.pod : undefined;
  const targets = portTargets({ name: pod?.key ?? address.text, address, ports: pod?.ports ?? [] }, port);
  if (targets.length > 0) return targets;
  if (pod)
    throw unknownPort(
      `${pod.key} has no port named "${portText(port)}"`,
      pod.ports.map(describeContainerPort),
    );
  throw unknownPort(`only pods have port names, and ${address.text} is not a pod`, []);
}

function serviceTargets(cluster: Cluster, service: Service, port: PortQuery): readonly Target[] {
  if (service.type === 'ExternalName') {
    throw noBackends(
      `Service ${service.key} is only another name for ${service.externalName ?? 'an outside host'}`,
      'Ask about an address of that host.',
    );
  }
  const asked = service.ports.filter((candidate) => isAsked(candidate, port));
  if (asked.length === 0) throw unknownServicePort(cluster, service, port);
  const targets = backendsOf(cluster, service, asked).flatMap(({ backend, servicePort }) =>
    service.clusterIPs.flatMap((address) =>
      backendTarget(backend, servicePort, { service: service.key, address, port: servicePort.port }),
    ),
  );
  if (targets.length === 0) throw noEndpoints(service, portText(port));
  return targets;
}

/** DNS answers with the pods' own addresses, so a number is the pods' port already and there is no DNAT. */
function headlessTargets(cluster: Cluster, service: Service, port: PortQuery): readonly Target[] {
  const asked =
    port.kind === 'name' ? service.ports.filter((candidate) => isAsked(candidate, port)) : service.ports;
  if (port.kind === 'name' && asked.length === 0) throw unknownServicePort(cluster, service, port);
  const backends = backendsOf(cluster, service, asked);
  if (backends.length === 0) throw noEndpoints(service, portText(port));
  const targets = backends.flatMap(({ backend, servicePort }) =>
    port.kind === 'name'
      ? backendTarget(backend, servicePort)
      : portTargets({ name: backend.pod ?? backend.address.text, address: backend.address, ports: [] }, port),
  );
  const key = ({ address, protocol, port: number }: Target) => `${address.text} ${protocol} ${number}`;
  return [...new Map(targets.map((target) => [key(target), target])).values()];
}

function isAsked(candidate: ServicePort, port: PortQuery): boolean {
  switch (port.kind) {
    case 'number':
      return candidate.port === port.port && candidate.protocol === port.protocol;
    case 'name':
      return candidate.name === port.name && (port.protocol ?? candidate.protocol) === candidate.protocol;
    case 'icmp':
      return false;
  }
}

interface ServiceBackend {
  readonly backend: Backend;
  readonly servicePort: ServicePort;
}

function backendsOf(
  cluster: Cluster,
  service: Service,
  ports: readonly ServicePort[],
): readonly ServiceBackend[] {
  const isOf = (port: ServicePort) => (has: ServicePort) =>
    has.port === port.port && has.protocol === port.protocol;
  return cluster.endpoints
    .filter((endpoints) => endpoints.service === service.key && ports.some(isOf(endpoints.port)))
    .flatMap(({ port, backends }) =>
      backends.map((backend) => ({ backend: ofHolder(cluster, backend), servicePort: port })),
    );
}

/** Endpoints are addresses: behind one that two pods claim is the one that holds it. */
function ofHolder(cluster: Cluster, backend: Backend): Backend {
  const holder = holderOf(cluster, backend.address);
  return holder.kind === 'pod' ? { ...backend, pod: holder.pod.key } : backend;
}

/** None if the address that the client uses is of another family. */
function backendTarget(backend: Backend, { protocol }: ServicePort, dnat?: Dnat): readonly Target[] {
  const { address, port, pod } = backend;
  if (dnat && dnat.address.family !== address.family) return [];
  const target = { name: pod ?? address.text, address, protocol: protocolNumbers[protocol], port };
  return [dnat ? { ...target, dnat } : target];
}

function unknownServicePort(cluster: Cluster, service: Service, port: PortQuery): BulkheadError {
  const backends = backendsOf(cluster, service, service.ports);
  const behind = backends.find(
    ({ backend, servicePort: { protocol } }) =>
      port.kind === 'number' && backend.port === port.port && protocol === port.protocol,
  );
  const pod = backends.find(({ backend }) => backend.pod !== undefined)?.backend.pod;
  const known = service.ports.map(
    ({ name, port: number, protocol }) => `${number}/${protocol}${name ? ` (${name})` : ''}`,
  );
  const hint = [
    behind
      ? `${portText(port)} is the pods' port; clients of the Service use ${behind.servicePort.port}.`
      : listed(known),
    ...(pod ? [`For other ports of its pods name one of them, such as ${pod}.`] : []),
  ].join(' ');
  return unknownPort(`Service ${service.key} has no port ${portText(port)}`, known, hint);
}

function unknownPort(message: string, known: readonly string[], hint = listed(known)): BulkheadError {
  return new BulkheadError(failure('EXPLAIN_UNKNOWN_PORT', message, { hint }));
}

function listed(ports: readonly string[]): string {
  return ports.length > 0 ? `Its ports: ${ports.join(', ')}.` : 'Write the port as a number.';
}

function noEndpoints(service: Service, port: string): BulkheadError {
  return noBackends(
    `Service ${service.key} has no endpoints on ${port}`,
    'Look at its selector and target port: no running pod matches both.',
  );
}

function noBackends(message: string, hint: string): BulkheadError {
  return new BulkheadError(failure('EXPLAIN_NO_BACKENDS', message, { hint }));
}

function portText(port: PortQuery): string {
  switch (port.kind) {
    case 'icmp':
      return 'ICMP';
    case 'number':
      return `${port.port}/${port.protocol}`;
    case 'name':
      return port.protocol ? `${port.name}/${port.protocol}` : port.name;
  }
}

function describeContainerPort({ name, containerPort, protocol }: ContainerPort): string {
  return `${containerPort}/${protocol}${name ? ` (${name})` : ''}`;
}
