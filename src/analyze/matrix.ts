/**
 * Who may open a connection to whom: one cell per ordered pair of points, port and address family. It asks the same
 * predicates and tiers as the oracle, each once per subject or peer instead of once per flow.
 */
import type { IpFamily } from '../objects/ip.ts';
import type { Cluster, Protocol } from '../objects/model.ts';
import { exemption } from '../policy/evaluate.ts';
import { holderOf } from '../policy/holder.ts';
import type { Holder } from '../policy/holder.ts';
import type { Direction, Policy, Rule } from '../policy/ir.ts';
import { matchesPeers, matchesPorts } from '../policy/match.ts';
import type { Target } from '../policy/match.ts';
import { firstMatch, tiersOf } from '../policy/tiers.ts';
import type { Tier } from '../policy/tiers.ts';
import { protocolNumbers } from '../policy/verdict.ts';
import { aggregate } from './aggregate.ts';
import type { Group, Pair } from './aggregate.ts';
import { pointsOf } from './points.ts';
import type { Point } from './points.ts';

export interface Cell {
  /** Ids of points. Equal ids: the pod to its own address, always allowed. */
  readonly source: string;
  readonly destination: string;
  /** A pair with two common families has cells for both; only ipBlocks can tell them apart. */
  readonly family: IpFamily;
  readonly protocol: Protocol;
  readonly port: number;
  readonly allowed: boolean;
}

export interface Matrix {
  /** By id: pods in the cluster's order, then the outside. */
  readonly points: ReadonlyMap<string, Point>;
  /**
   * By source, destination, family, port. The ports are the destination's. None from outside to outside, and none for
   * pairs without a common family.
   */
  readonly cells: readonly Cell[];
  /** Workloads whose replicas agree, other pods one by one, then the outside. By id. */
  readonly groups: ReadonlyMap<string, Group>;
  /** Every ordered pair of groups that has cells. */
  readonly pairs: readonly Pair[];
}

/** A point at its address of one family. */
interface Place {
  readonly point: Point;
  readonly family: IpFamily;
  readonly holder: Holder;
  /** Those of the pod that has the address, as their subject. */
  readonly tiers: Readonly<Record<Direction, readonly Tier[]>>;
  /** Whether it is among the peers of a rule, as far as that was asked. */
  readonly peerOf: Map<Rule, boolean>;
}

export function computeMatrix(cluster: Cluster, policies: readonly Policy[]): Matrix {
  const points = pointsOf(cluster, policies);
  const places = points.map(placesOf);
  const table = places.map((sources) => places.map((destinations) => cellsBetween(sources, destinations)));
  return {
    points: new Map(points.map((point) => [point.id, point])),
    cells: table.flat(2),
    ...aggregate(points, table),
  };

  function placesOf(point: Point): readonly Place[] {
    return point.addresses.map((address) => {
      const holder = holderOf(cluster, address);
      const tiers = (direction: Direction) =>
        holder.kind === 'pod' ? tiersOf(cluster, policies, { subject: holder.pod, direction }) : [];
      const { family } = address;
      return {
        point,
        family,
        holder,
        tiers: { ingress: tiers('ingress'), egress: tiers('egress') },
        peerOf: new Map(),
      };
    });
  }

  function cellsBetween(sources: readonly Place[], destinations: readonly Place[]): readonly Cell[] {
    return sources.flatMap((source) => {
      const destination = destinations.find(({ family }) => family === source.family);
      const isOutside = source.point.kind === 'external' && destination?.point.kind === 'external';
      if (!destination || isOutside) return [];
      const egress = judge('egress', source, destination);
      const ingress = judge('ingress', destination, source);
      return destination.point.ports.map(({ protocol, port }): Cell => {
        const target = { destination: destination.holder, protocol: protocolNumbers[protocol], port };
        return {
          source: source.point.id,
          destination: destination.point.id,
          family: source.family,
          protocol,
          port,
          allowed: egress(target) && ingress(target),
        };
      });
    });
  }

  /** What one direction of a pair says about each port. */
  function judge(direction: Direction, subject: Place, peer: Place): (target: Target) => boolean {
    if (exemption(direction, subject.holder, peer.holder)) return () => true;
    const tiers = subject.tiers[direction];
    return (target) => {
      const decision = firstMatch(tiers, (rule) => isPeer(rule, peer) && matchesPorts(rule.ports, target));
      return decision.kind === 'rule' ? decision.rule.action === 'allow' : decision.kind === 'end';
    };
  }

  function isPeer(rule: Rule, { peerOf, holder }: Place): boolean {
    const known = peerOf.get(rule);
    if (known !== undefined) return known;
    const matches = matchesPeers(cluster, rule.peers, holder);
    peerOf.set(rule, matches);
    return matches;
  }
}
