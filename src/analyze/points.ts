/** The points between which flows are judged, and the ports on which they are asked. */
import type { Address } from '../objects/ip.ts';
import type { Cluster, Pod, Protocol } from '../objects/model.ts';
import { isPolicyPod } from '../policy/holder.ts';
import type { Policy, PortMatch, Section } from '../policy/ir.ts';
import { matchesPod, namedPorts } from '../policy/match.ts';
import { externalRanges } from './external-points.ts';
import type { ExternalRange } from './external-points.ts';

export interface PortSpec {
  readonly protocol: Protocol;
  readonly port: number;
  /** The container port's name, if it has one. */
  readonly name?: string;
}

export interface PodPoint {
  readonly kind: 'pod';
  /** `namespace/name`. */
  readonly id: string;
  readonly pod: Pod;
  /** At most one per family, at least one. A hostNetwork pod's are its node's. */
  readonly addresses: readonly Address[];
  /** Sorted by protocol (TCP, UDP, SCTP), then number; never empty. */
  readonly ports: readonly PortSpec[];
}

export interface ExternalPoint extends ExternalRange {
  readonly kind: 'external';
  readonly ports: readonly PortSpec[];
}

export type Point = PodPoint | ExternalPoint;

/** Every pod that has an address, in the cluster's order, then what stands for the outside. */
export function pointsOf(cluster: Cluster, policies: readonly Policy[]): readonly Point[] {
  const pods = cluster.pods.values().filter((pod) => pod.addresses.length > 0);
  const outside = outsidePorts(policies);
  return [
    ...pods.map((pod): PodPoint => {
      const ports = portsOf(pod, cluster, policies);
      return { kind: 'pod', id: pod.key, pod, addresses: pod.addresses, ports };
    }),
    ...externalRanges(cluster, policies).map((range): ExternalPoint => {
      return { kind: 'external', ...range, ports: outside };
    }),
  ];
}

/**
 * What the pod declares, what Services send to it, and what the ingress rules that apply to it name. Of a range that
 * covers one of those its lowest port stands for nothing new, so it counts only if it covers none. TCP 80 if all that
 * gives nothing.
 */
export function portsOf(pod: Pod, cluster: Cluster, policies: readonly Policy[]): readonly PortSpec[] {
  const declared = pod.ports.map(({ protocol, containerPort, name }): PortSpec => {
    return { protocol, port: containerPort, ...(name === undefined ? {} : { name }) };
  });
  const served = cluster.endpoints.flatMap(({ port: { protocol }, backends }) =>
    backends.filter((backend) => backend.pod === pod.key).map(({ port }): PortSpec => ({ protocol, port })),
  );
  const sections = isPolicyPod(pod)
    ? policies
        .filter((policy) => matchesPod(cluster, policy.subject, pod))
        .flatMap((policy) => policy.ingress ?? [])
    : [];
  return complete([...declared, ...served], portMatches(sections), pod);
}

/**
 * What egress rules that can match an outside address name, and one port that none of them does: without that, who may
 * go out on the named ports alone would look like who may go out anyhow. TCP, and what a rule allows all ports of.
 */
function outsidePorts(policies: readonly Policy[]): readonly PortSpec[] {
  const sections = policies.flatMap(({ egress }) => egress ?? []);
  const reachOutside = sections.map((section) => ({
    ...section,
    rules: section.rules.filter(
      ({ peers }) => peers === 'any' || peers.some(({ kind }) => kind === 'ipBlock'),
    ),
  }));
  const matches = portMatches(reachOutside);
  const protocols = new Set<Protocol>(['TCP']);
  for (const { kind, protocol } of matches) if (kind === 'all') protocols.add(protocol);
  const others = [...protocols].flatMap((protocol) => unnamedPort(protocol, matches) ?? []);
  return complete(others, matches);
}

/** Asked in this order for one that no rule names. */
const usualPorts: readonly number[] = [80, 443, 8080, 22, 1];

function unnamedPort(protocol: Protocol, matches: readonly PortMatch[]): PortSpec | undefined {
  const isNamed = (port: number) =>
    matches.some(
      (match) =>
        match.kind === 'range' && match.protocol === protocol && match.from <= port && port <= match.to,
    );
  const port = usualPorts.find((candidate) => !isNamed(candidate));
  return port === undefined ? undefined : { protocol, port };
}

function portMatches(sections: readonly Section[]): readonly PortMatch[] {
  return sections.flatMap(({ rules }) => rules.flatMap(({ ports }) => (ports === 'any' ? [] : ports)));
}

/** Adds the ports that rules name to those known already; each once, sorted. */
function complete(known: readonly PortSpec[], matches: readonly PortMatch[], pod?: Pod): readonly PortSpec[] {
  const ports = new Map<string, PortSpec>();
  const add = (spec: PortSpec) => {
    const key = `${spec.protocol} ${spec.port}`;
    if (!ports.has(key)) ports.set(key, spec);
  };
  known.forEach(add);
  for (const match of matches) {
    const { protocol } = match;
    if (match.kind === 'named' && pod) for (const port of namedPorts(pod, match)) add({ protocol, port });
    if (match.kind === 'range' && match.from === match.to) add({ protocol, port: match.from });
  }
  for (const match of matches) {
    if (match.kind !== 'range') continue;
    const { protocol, from, to } = match;
    const covered = ports
      .values()
      .some((spec) => spec.protocol === protocol && from <= spec.port && spec.port <= to);
    if (!covered) add({ protocol, port: from });
  }
  if (ports.size === 0) add({ protocol: 'TCP', port: 80 });
  return [...ports.values()].toSorted(byProtocolAndNumber);
}

const protocolOrder = { TCP: 0, UDP: 1, SCTP: 2 } as const;

export function byProtocolAndNumber(a: PortSpec, b: PortSpec): number {
  return protocolOrder[a.protocol] - protocolOrder[b.protocol] || a.port - b.port;
}
