/** Peers, ports and selectors in words, as explanations and errors use them. */
import type { LabelSelector, LabelSelectorRequirement } from '../objects/model.ts';
import type { Holder } from './holder.ts';
import type { Origin, Peer, PodMatch, PortMatch, Rule } from './ir.ts';
import { protocolNumbers } from './verdict.ts';

/** In kubectl's notation: `app=web,tier in (a,b),!legacy`; empty text for the empty selector. */
export function describeSelector(selector: LabelSelector): string {
  return [
    ...Object.entries(selector.matchLabels).map(([key, value]) => `${key}=${value}`),
    ...selector.matchExpressions.map(describeRequirement),
  ].join(',');
}

export function describeRequirement({ key, operator, values }: LabelSelectorRequirement): string {
  switch (operator) {
    case 'In':
      return `${key} in (${values.join(',')})`;
    case 'NotIn':
      return `${key} notin (${values.join(',')})`;
    case 'Exists':
      return key;
    case 'DoesNotExist':
      return `!${key}`;
  }
}

/** `pods app=web in namespace shop`, `all pods in any namespace`, `10.0.0.0/8 except 10.1.0.0/16`. */
export function describePeer(peer: Peer): string {
  return peer.kind === 'ipBlock' ? describeBlock(peer) : describePods(peer);
}

export function describeBlock({
  cidr,
  except,
}: Pick<Extract<Peer, { kind: 'ipBlock' }>, 'cidr' | 'except'>): string {
  return cidr.text + (except.length > 0 ? ` except ${except.map(({ text }) => text).join(', ')}` : '');
}

export function describePods({ namespaces, pods }: PodMatch): string {
  const labels = describeSelector(pods);
  return `${labels ? `pods ${labels}` : 'all pods'} in ${describeNamespaces(namespaces)}`;
}

function describeNamespaces(namespaces: PodMatch['namespaces']): string {
  if (namespaces.kind === 'name') return `namespace ${namespaces.name}`;
  const labels = describeSelector(namespaces.selector);
  return labels ? `namespaces ${labels}` : 'any namespace';
}

export function describePeers(peers: Rule['peers']): string {
  return peers === 'any' ? 'any peer' : peers.map(describePeer).join(' or ') || 'no peer';
}

/** `TCP 80`, `TCP 8000-8010`, `TCP "http"`, `all TCP`. */
export function describePort(match: PortMatch): string {
  switch (match.kind) {
    case 'all':
      return `all ${match.protocol}`;
    case 'range':
      return `${match.protocol} ${match.from === match.to ? match.from : `${match.from}-${match.to}`}`;
    case 'named':
      return `${match.protocol} "${match.name}"`;
  }
}

export function describePorts(ports: Rule['ports']): string {
  return ports === 'any' ? 'any port' : ports.map(describePort).join(', ') || 'no port';
}

/** `TCP 443`, `ICMP`, `protocol 47`. */
export function describeProtocolPort(protocol: number, port: number): string {
  const name = Object.entries(protocolNumbers).find(([, number]) => number === protocol)?.[0];
  if (name) return `${name} ${port}`;
  return { 1: 'ICMP', 58: 'ICMPv6' }[protocol] ?? `protocol ${protocol}`;
}

/** `pod shop/cart-1`, `node worker-1 (10.0.0.1)`, `203.0.113.7`. */
export function describeHolder(holder: Holder): string {
  switch (holder.kind) {
    case 'pod':
      return `pod ${holder.pod.key}`;
    case 'node':
      return `node ${holder.node.name} (${holder.address.text})`;
    case 'external':
      return holder.address.text;
  }
}

/** `NetworkPolicy shop/cart, ingress rule 2`, counting rules from 1; `…, ingress` for the policy as a whole. */
export function describeOrigin(origin: Origin): string {
  const rule = origin.ruleIndex === undefined ? '' : ` rule ${origin.ruleIndex + 1}`;
  return `${origin.dialect} ${origin.namespace}/${origin.name}, ${origin.direction}${rule}`;
}
