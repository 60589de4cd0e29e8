/** From pods to workloads: replicas that agree with everybody are one row and one column. */
import type { IpFamily } from '../objects/ip.ts';
import type { Protocol } from '../objects/model.ts';
import type { Cell } from './matrix.ts';
import type { Point, PortSpec } from './points.ts';

export interface Group {
  /** `namespace/name` of the workload or pod (`namespace/kind/name` where two share that), or the outside point's id. */
  readonly id: string;
  readonly kind: 'workload' | 'pod' | 'external';
  readonly name: string;
  /** Absent for the outside. */
  readonly namespace?: string;
  /** `Deployment` …; absent for pods of no workload and for the outside. */
  readonly workload?: { readonly kind: string; readonly name: string };
  /** Ids of its points; more than one only for a workload. */
  readonly points: readonly string[];
  /** On which it is asked as a destination. */
  readonly ports: readonly PortSpec[];
}

export interface PairPort {
  readonly protocol: Protocol;
  readonly port: number;
  /** Present where the families of a dual-stack pair differ; then there is one entry for each. */
  readonly family?: IpFamily;
  readonly allowed: boolean;
}

export interface Pair {
  /** Ids of groups. Equal: one replica to another, or a single pod to itself. */
  readonly source: string;
  readonly destination: string;
  readonly summary: 'all' | 'some' | 'none';
  readonly ports: readonly PairPort[];
}

export interface Aggregation {
  readonly groups: ReadonlyMap<string, Group>;
  readonly pairs: readonly Pair[];
}

/** `table[s][d]` are the cells from the point of index s to that of index d. */
export function aggregate(
  points: readonly Point[],
  table: readonly (readonly (readonly Cell[])[])[],
): Aggregation {
  const indexOf = new Map(points.map(({ id }, index) => [id, index]));
  const between = (source: Point, destination: Point): readonly Cell[] =>
    table[indexOf.get(source.id) ?? -1]?.[indexOf.get(destination.id) ?? -1] ?? [];
  const drafts = workloadsOf(points).flatMap((members) =>
    agree(members) ? [draftGroup(members, 'whole')] : members.map((member) => draftGroup([member], 'part')),
  );
  const groups = nameGroups(drafts);
  const pairs = groups.flatMap((source) => groups.flatMap((destination) => pairOf(source, destination)));
  return { groups: new Map(groups.map(({ group }) => [group.id, group])), pairs };

  /** Whether the members can stand for each other as source and as destination, towards others and among them. */
  function agree(members: readonly Point[]): boolean {
    const [first, second] = members;
    if (!first || !second) return true;
    const amongThem = between(first, second);
    const others = points.filter((point) => !members.includes(point));
    return members.every(
      (member) =>
        others.every(
          (other) =>
            sameAnswers(between(member, other), between(first, other)) &&
            sameAnswers(between(other, member), between(other, first)),
        ) && members.every((peer) => peer === member || sameAnswers(between(member, peer), amongThem)),
    );
  }

  function pairOf(source: Draft, destination: Draft): readonly Pair[] {
    const [from] = source.members;
    const to = source === destination ? (source.members[1] ?? from) : destination.members[0];
    const found = from && to ? between(from, to) : [];
    if (found.length === 0) return [];
    const summary = found.every(({ allowed }) => allowed)
      ? 'all'
      : found.some(({ allowed }) => allowed)
        ? 'some'
        : 'none';
    return [
      { source: source.group.id, destination: destination.group.id, summary, ports: mergeFamilies(found) },
    ];
  }
}

/** The same ports with the same verdicts. */
function sameAnswers(a: readonly Cell[], b: readonly Cell[]): boolean {
  return (
    a.length === b.length &&
    a.every((cell, index) => {
      const other = b[index];
      return (
        cell.allowed === other?.allowed &&
        cell.port === other.port &&
        cell.protocol === other.protocol &&
        cell.family === other.family
      );
    })
  );
}

/** In the order of the points: pods of one workload together, everything else alone. */
function workloadsOf(points: readonly Point[]): readonly (readonly Point[])[] {
  return [...Map.groupBy(points, workloadKey).values()];
}

/** Equal for pods of one workload. */
export function workloadKey(point: Point): string {
  if (point.kind === 'external') return point.id;
  const { namespace, owner } = point.pod;
  return owner ? `${namespace}/${owner.kind}/${owner.name}` : `pod ${point.id}`;
}

interface Draft {
  readonly group: Group;
  readonly members: readonly Point[];
}

/** Makes ids unique. */
function nameGroups(drafts: readonly Draft[]): readonly Draft[] {
  const uses = Map.groupBy(drafts, ({ group }) => group.id);
  return drafts.map(({ group, members }) => {
    const isShared = (uses.get(group.id)?.length ?? 0) > 1;
    const { kind, namespace, workload } = group;
    const rename = isShared && kind === 'workload' && workload !== undefined;
    const id = rename ? `${namespace}/${workload.kind.toLowerCase()}/${workload.name}` : group.id;
    return { members, group: { ...group, id } };
  });
}

/** `members` are a whole workload, one pod of it, a pod of no workload, or one outside point. */
function draftGroup(members: readonly Point[], extent: 'whole' | 'part'): Draft {
  const [first] = members;
  if (!first) throw new Error('a group has members');
  return {
    members,
    group: { ...describeGroup(first, extent), points: members.map(({ id }) => id), ports: first.ports },
  };
}

function describeGroup(point: Point, extent: 'whole' | 'part'): Omit<Group, 'points' | 'ports'> {
  if (point.kind === 'external') return { id: point.id, kind: 'external', name: point.id };
  const { namespace, name, owner } = point.pod;
  if (!owner) return { id: point.id, kind: 'pod', name, namespace };
  return extent === 'whole'
    ? { id: `${namespace}/${owner.name}`, kind: 'workload', name: owner.name, namespace, workload: owner }
    : { id: point.id, kind: 'pod', name, namespace, workload: owner };
}

function mergeFamilies(cells: readonly Cell[]): readonly PairPort[] {
  if (cells.every(({ family }) => family === cells[0]?.family)) {
    return cells.map(({ protocol, port, allowed }) => ({ protocol, port, allowed }));
  }
  const byPort = Map.groupBy(cells, ({ protocol, port }) => `${protocol} ${port}`);
  return [...byPort.values()].flatMap((same): readonly PairPort[] => {
    const distinct = new Set(same.map(({ allowed }) => allowed)).size > 1;
    const shown = distinct ? same : same.slice(0, 1);
    return shown.map(({ protocol, port, family, allowed }) => {
      return { protocol, port, ...(distinct ? { family } : {}), allowed };
    });
  });
}
