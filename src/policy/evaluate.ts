/**
 * The reference evaluator: what the policies say about one flow, straight from their definition. Every other engine
 * is tested against it, so it holds no cache and no cleverness.
 */
import type { Cluster } from '../objects/model.ts';
import { holderOf } from './holder.ts';
import type { Holder } from './holder.ts';
import type { Direction, Policy, Rule } from './ir.ts';
import { matchesPeers, matchesPorts } from './match.ts';
import { nearMisses } from './near-miss.ts';
import { firstMatch, tiersOf } from './tiers.ts';
import type { DirectionVerdict, Flow, Reason, Verdict } from './verdict.ts';

/** A flow passes if the source's egress and the destination's ingress both allow it. */
export function evaluate(cluster: Cluster, policies: readonly Policy[], flow: Flow): Verdict {
  const source = holderOf(cluster, flow.source);
  const destination = holderOf(cluster, flow.destination);
  const egress = judge('egress', source, destination);
  const ingress = judge('ingress', destination, source);
  return { allowed: egress.allowed && ingress.allowed, egress, ingress };

  function judge(direction: Direction, subject: Holder, peer: Holder): DirectionVerdict {
    const exempt = exemption(direction, subject, peer);
    if (exempt || subject.kind !== 'pod') {
      return { direction, allowed: true, reason: exempt ?? 'no-subject', isolatedBy: [], nearMisses: [] };
    }
    const tiers = tiersOf(cluster, policies, { subject: subject.pod, direction });
    const target = { destination, protocol: flow.protocol, port: flow.port };
    const isolatedBy = tiers.flatMap((tier) => tier.isolatedBy);
    const misses = () =>
      nearMisses(
        cluster,
        tiers.flatMap((tier) => tier.rules),
        { peer, target },
      );
    const decision = firstMatch(
      tiers,
      (rule: Rule) => matchesPeers(cluster, rule.peers, peer) && matchesPorts(rule.ports, target),
    );
    switch (decision.kind) {
      case 'rule': {
        const allowed = decision.rule.action === 'allow';
        const reason = { reason: 'rule', rule: decision.rule } as const;
        return { direction, allowed, ...reason, isolatedBy, nearMisses: allowed ? [] : misses() };
      }
      case 'default-deny':
        return { direction, allowed: false, reason: 'default-deny', isolatedBy, nearMisses: misses() };
      case 'end':
        return { direction, allowed: true, reason: 'not-isolated', isolatedBy, nearMisses: [] };
    }
  }
}

/** Why policies don't apply at all; undefined if they do. */
export function exemption(direction: Direction, subject: Holder, peer: Holder): Reason | undefined {
  if (subject.kind !== 'pod') return 'no-subject';
  if (peer.kind === 'pod' && peer.pod.key === subject.pod.key) return 'self';
  if (direction === 'ingress' && peer.kind === 'node' && peer.node.name === subject.pod.node) return 'node';
  return undefined;
}
