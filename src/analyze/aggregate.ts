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

export function aggregate(points: readonly Point[], cells: readonly Cell[]): Aggregation {
  const between = new CellTable(cells);
  const named = nameGroups(
    workloadsOf(points).flatMap((members) =>
      agree(members) ? [draftGroup(members, 'whole')] : members.map((member) => draftGroup([member], 'part')),
    ),
  );
  const pairs = named.flatMap((source) => named.flatMap((destination) => pairOf(source, destination)));
  return { groups: new Map(named.map((group) => [group.id, group])), pairs };

  /** Whether the members can stand for each other as source and as destination, towards others and among them. */
  function agree(members: readonly Point[]): boolean {
    const [first, second] = members;
    if (!first || !second) return true;
    const ids = new Set(members.map(({ id }) => id));
    const others = points.filter(({ id }) => !ids.has(id));
    const amongThem = between.signature(first.id, second.id);
    return members.every(
      (member) =>
        others.every(
          (other) =>
            between.signature(member.id, other.id) === between.signature(first.id, other.id) &&
            between.signature(other.id, member.id) === between.signature(other.id, first.id),
        ) && members.every((peer) => peer === member || between.signature(member.id, peer.id) === amongThem),
    );
  }

  function pairOf(source: Group, destination: Group): readonly Pair[] {
    const [from] = source.points;
    const to = source.id === destination.id ? (source.points[1] ?? from) : destination.points[0];
    const found = from !== undefined && to !== undefined ? between.cells(from, to) : [];
    if (found.length === 0) return [];
    const summary = found.every(({ allowed }) => allowed)
      ? 'all'
      : found.some(({ allowed }) => allowed)
        ? 'some'
        : 'none';
    return [{ source: source.id, destination: destination.id, summary, ports: mergeFamilies(found) }];
  }
}

class CellTable {
  readonly #byPair: ReadonlyMap<string, readonly Cell[]>;
  readonly #signatures = new Map<string, string>();

  constructor(cells: readonly Cell[]) {
    this.#byPair = Map.groupBy(cells, ({ source, destination }) => `${source} ${destination}`);
  }

  cells(source: string, destination: string): readonly Cell[] {
    return this.#byPair.get(`${source} ${destination}`) ?? [];
  }

  /** Equal texts: the same ports with the same verdicts. */
  signature(source: string, destination: string): string {
    const key = `${source} ${destination}`;
    let signature = this.#signatures.get(key);
    if (signature === undefined) {
      signature = this.cells(source, destination)
        .map(({ family, protocol, port, allowed }) => `${family}${protocol}${port}${allowed ? '+' : '-'}`)
        .join();
      this.#signatures.set(key, signature);
    }
    return signature;
  }
}

/** In the order of the points: pods of one workload together, everything else alone. */
function workloadsOf(points: readonly Point[]): readonly (readonly Point[])[] {
  return [...Map.groupBy(points, workloadKey).values()];
}

function workloadKey(point: Point): string {
  if (point.kind === 'external') return point.id;
  const { namespace, owner } = point.pod;
  return owner ? `${namespace}/${owner.kind}/${owner.name}` : `pod ${point.id}`;
}

/** Makes ids unique. */
function nameGroups(drafts: readonly Group[]): readonly Group[] {
  const uses = Map.groupBy(drafts, ({ id }) => id);
  return drafts.map((draft) => {
    const isShared = (uses.get(draft.id)?.length ?? 0) > 1;
    return isShared && draft.workload ? { ...draft, id: longId(draft, draft.workload) } : draft;
  });
}

function longId({ namespace, name }: Group, { kind }: { readonly kind: string }): string {
  return `${namespace}/${kind.toLowerCase()}/${name}`;
}

/** `members` are a whole workload, one pod of it, a pod of no workload, or one outside point. */
function draftGroup(members: readonly Point[], extent: 'whole' | 'part'): Group {
  const [first] = members;
  if (!first) throw new Error('a group has members');
  const common = { points: members.map(({ id }) => id), ports: first.ports };
  if (first.kind === 'external') return { id: first.id, kind: 'external', name: first.id, ...common };
  const { namespace, name, owner } = first.pod;
  if (!owner) return { id: first.id, kind: 'pod', name, namespace, ...common };
  const workload = { namespace, workload: owner, ...common };
  return extent === 'whole'
    ? { id: `${namespace}/${owner.name}`, kind: 'workload', name: owner.name, ...workload }
    : { id: first.id, kind: 'pod', name, ...workload };
}

function mergeFamilies(cells: readonly Cell[]): readonly PairPort[] {
  const byPort = Map.groupBy(cells, ({ protocol, port }) => `${protocol} ${port}`);
  return [...byPort.values()].flatMap((same): readonly PairPort[] => {
    const distinct = new Set(same.map(({ allowed }) => allowed)).size > 1;
    const shown = distinct ? same : same.slice(0, 1);
    return shown.map(({ protocol, port, family, allowed }) => {
      return { protocol, port, ...(distinct ? { family } : {}), allowed };
    });
  });
}
