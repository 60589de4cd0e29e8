/** For a denied flow: the allow rules that came closest, and what differed. */
import { cidrContains } from '../objects/ip.ts';
import type { Cluster, Labels } from '../objects/model.ts';
import { describeHolder, describePeer, describePorts, describeProtocolPort } from './describe.ts';
import type { Holder } from './holder.ts';
import type { Peer, PortMatch, Rule } from './ir.ts';
import { matchesNamespace, matchesPeers, matchesPorts, namedPorts } from './match.ts';
import type { Target } from './match.ts';
import { labelOf, matchesRequirement } from './selector.ts';
import type { NearMiss } from './verdict.ts';
import { protocolNumbers } from './verdict.ts';

const most = 3;

interface DeniedFlow {
  readonly peer: Holder;
  readonly target: Target;
}

/**
 * Rules whose peer matched come first (the nearest port of the right protocol before others), then those whose port
 * matched (the fewest differing labels first). Rules that differ in both are left out.
 */
export function nearMisses(cluster: Cluster, rules: readonly Rule[], flow: DeniedFlow): readonly NearMiss[] {
  return rules
    .filter((rule) => rule.action === 'allow')
    .flatMap((rule) => portMiss(cluster, rule, flow) ?? peerMiss(cluster, rule, flow) ?? [])
    .toSorted((a, b) => a.distance - b.distance)
    .slice(0, most)
    .map(({ miss }) => miss);
}

interface RankedMiss {
  readonly miss: NearMiss;
  readonly distance: number;
}

function portMiss(cluster: Cluster, rule: Rule, { peer, target }: DeniedFlow): RankedMiss | undefined {
  if (rule.ports === 'any' || rule.ports.length === 0) return undefined;
  if (!matchesPeers(cluster, rule.peers, peer) || matchesPorts(rule.ports, target)) return undefined;
  const unresolved = rule.ports.flatMap((port) => describeResolution(port, target));
  const detail =
    `the peer matches, but only ${describePorts(rule.ports)} is allowed, ` +
    `not ${describeProtocolPort(target.protocol, target.port)}${unresolved.map((text) => ` (${text})`).join('')}`;
  const distance = Math.min(...rule.ports.map((port) => portDistance(port, target)));
  return { miss: { rule, differs: 'port', detail }, distance };
}

function describeResolution(port: PortMatch, { destination }: Target): readonly string[] {
  if (port.kind !== 'named') return [];
  const numbers = destination.kind === 'pod' ? namedPorts(destination.pod, port) : [];
  const meaning = numbers.length > 0 ? `is ${numbers.join(', ')}` : `names no ${port.protocol} port`;
  return [`"${port.name}" ${meaning} on ${describeHolder(destination)}`];
}

/** Below 2^16: right protocol, by how far the number is. */
function portDistance(port: PortMatch, target: Target): number {
  if (protocolNumbers[port.protocol] !== target.protocol) return 2 ** 16;
  if (port.kind !== 'range') return 2 ** 16 - 1;
  return target.port < port.from ? port.from - target.port : target.port - port.to;
}

function peerMiss(cluster: Cluster, rule: Rule, { peer, target }: DeniedFlow): RankedMiss | undefined {
  if (rule.peers === 'any' || rule.peers.length === 0) return undefined;
  if (matchesPeers(cluster, rule.peers, peer) || !matchesPorts(rule.ports, target)) return undefined;
  const nearest = rule.peers
    .map((candidate) => ({ candidate, differences: differences(cluster, candidate, peer) }))
    .reduce((best, next) => (next.differences.length < best.differences.length ? next : best));
  const detail =
    `the port matches, but ${describeHolder(peer)} is not ${nearest.candidate.kind === 'pods' ? 'among' : 'in'} ` +
    `${describePeer(nearest.candidate)}: ` +
    nearest.differences.join(', ');
  // After every port miss.
  return { miss: { rule, differs: 'peer', detail }, distance: 2 ** 17 + nearest.differences.length };
}

/** What keeps the peer from matching, one text each. */
function differences(cluster: Cluster, match: Peer, peer: Holder): readonly string[] {
  if (match.kind === 'ipBlock') {
    const except = match.except.find((cidr) => cidrContains(cidr, peer.address));
    const excepted = except && cidrContains(match.cidr, peer.address);
    return [excepted ? `${except.text} is excepted` : 'it is outside the block'];
  }
  if (peer.kind === 'node') return ['nodes and hostNetwork pods match no pod selector'];
  if (peer.kind === 'external') return ['it is not a pod of this cluster'];
  const { pod } = peer;
  const namespace = matchesNamespace(cluster, match.namespaces, pod.namespace)
    ? []
    : [`its namespace is ${pod.namespace}`];
  const { matchLabels, matchExpressions } = match.pods;
  const unequal = Object.entries(matchLabels).filter(([key, value]) => labelOf(pod.labels, key) !== value);
  const unmet = matchExpressions.filter((requirement) => !matchesRequirement(requirement, pod.labels));
  const keys = new Set([...unequal.map(([key]) => key), ...unmet.map(({ key }) => key)]);
  return [...namespace, ...[...keys].map((key) => describeLabel(pod.labels, key))];
}

function describeLabel(labels: Labels, key: string): string {
  const value = labelOf(labels, key);
  return value === undefined ? `it has no label ${key}` : `its label ${key} is "${value}"`;
}
