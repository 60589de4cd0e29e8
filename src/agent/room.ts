/**
 * Who gives way where the datapath is full: whoever takes the most of it. Tables are shared by all namespaces, and whoever
 * may write policies in one of them must not take the room of the others.
 */
import type { Peer, Policy, Section } from '../policy/ir.ts';

interface Holder {
  /** What is in force, if anything is. */
  readonly enforced: Policy | undefined;
}

/** How much a policy can need, in entries; a measure, no count. */
export function weightOf({ ingress, egress }: Policy): number {
  return sectionWeight(ingress) + sectionWeight(egress);
}

function sectionWeight(section: Section | undefined): number {
  const rules = section?.rules ?? [];
  return rules.reduce(
    (sum, { peers, ports }) =>
      sum +
      1 +
      (peers === 'any' ? 0 : peers.reduce((weight, peer) => weight + peerWeight(peer), 0)) +
      (ports === 'any' ? 0 : ports.length),
    0,
  );
}

const peerWeight = (peer: Peer): number => (peer.kind === 'ipBlock' ? 1 + peer.except.length : 1);

/** Whose policy is to be put in force. */
export interface Wanting {
  readonly id: string;
  readonly weight: number;
}

/**
 * The policies of the namespace that holds the most, the largest first: they are to give way next. Empty: none holds more
 * than the namespace of `wanting` would. Without `wanting` there is room for pods to make.
 */
export function nextToGive(policies: ReadonlyMap<string, Holder>, wanting?: Wanting): string[] {
  const held = new Map<string, { total: number; readonly weights: [id: string, weight: number][] }>();
  for (const [id, { enforced }] of policies) {
    const weight = enforced && id !== wanting?.id ? weightOf(enforced) : 0;
    if (weight === 0) continue;
    const namespace = namespaceOf(id);
    const known = held.get(namespace) ?? { total: 0, weights: [] };
    held.set(namespace, known);
    known.total += weight;
    known.weights.push([id, weight]);
  }
  const own = wanting && held.get(namespaceOf(wanting.id));
  const least = wanting ? wanting.weight + (own?.total ?? 0) : 0;
  const [most] = [...held.values()].filter((one) => one !== own).toSorted((a, b) => b.total - a.total);
  if (!most || most.total <= least) return [];
  return most.weights.toSorted(([, a], [, b]) => b - a).map(([id]) => id);
}

/** Of an id as in the IR: `NetworkPolicy/namespace/name`. */
export function namespaceOf(id: string): string {
  return id.split('/')[1] ?? '';
}
