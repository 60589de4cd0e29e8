/** The predicates that rules are made of: does it select this pod, this peer, this port? */
import { cidrContains } from '../objects/ip.ts';
import type { Cluster, Pod } from '../objects/model.ts';
import type { Holder } from './holder.ts';
import type { NamespaceMatch, Peer, PodMatch, PortMatch, Rule } from './ir.ts';
import { matchesSelector } from './selector.ts';
import { protocolNumbers } from './verdict.ts';

/** What a rule looks at besides the peer: where the flow goes. */
export interface Target {
  readonly destination: Holder;
  /** IANA number. */
  readonly protocol: number;
  /** 0 for protocols without ports. */
  readonly port: number;
}

export function matchesPod(cluster: Cluster, match: PodMatch, pod: Pod): boolean {
  return (
    matchesNamespace(cluster, match.namespaces, pod.namespace) && matchesSelector(match.pods, pod.labels)
  );
}

export function matchesNamespace(cluster: Cluster, match: NamespaceMatch, namespace: string): boolean {
  if (match.kind === 'name') return match.name === namespace;
  const labels = cluster.namespaces.get(namespace)?.labels;
  return labels !== undefined && matchesSelector(match.selector, labels);
}

/** `any` includes everything; pod peers never match a node (thus no hostNetwork pod) nor an external address. */
export function matchesPeers(cluster: Cluster, peers: Rule['peers'], peer: Holder): boolean {
  return peers === 'any' || peers.some((candidate) => matchesPeer(cluster, candidate, peer));
}

export function matchesPeer(cluster: Cluster, match: Peer, peer: Holder): boolean {
  switch (match.kind) {
    case 'pods':
      return peer.kind === 'pod' && matchesPod(cluster, match, peer.pod);
    case 'ipBlock':
      return (
        cidrContains(match.cidr, peer.address) &&
        !match.except.some((except) => cidrContains(except, peer.address))
      );
  }
}

/** `any` includes protocols without ports, such as ICMP; nothing else does. */
export function matchesPorts(ports: Rule['ports'], target: Target): boolean {
  return ports === 'any' || ports.some((match) => matchesPort(match, target));
}

export function matchesPort(match: PortMatch, target: Target): boolean {
  if (protocolNumbers[match.protocol] !== target.protocol) return false;
  switch (match.kind) {
    case 'all':
      return true;
    case 'range':
      return match.from <= target.port && target.port <= match.to;
    case 'named':
      return (
        target.destination.kind === 'pod' && namedPorts(target.destination.pod, match).includes(target.port)
      );
  }
}

/** The numbers behind a port name: by name and protocol, of every container of the pod. */
export function namedPorts(
  pod: Pod,
  match: { readonly protocol: string; readonly name: string },
): readonly number[] {
  return pod.ports
    .filter((port) => port.name === match.name && port.protocol === match.protocol)
    .map((port) => port.containerPort);
}
