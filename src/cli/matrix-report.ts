/** A matrix as the command line shows it: plain data, by workload or by pod, with ports as people write them. */
import { workloadKey, type Group } from '../analyze/aggregate.ts';
import type { Cell, Matrix } from '../analyze/matrix.ts';
import type { Point, PortSpec } from '../analyze/points.ts';

export interface ReportPoint {
  /** `namespace/name`, or what an outside point stands for: `internet`, `203.0.113.0/24`. */
  readonly id: string;
  readonly kind: 'workload' | 'pod' | 'external';
  /** Absent for the outside. */
  readonly namespace?: string;
  /** Unique within the namespace. */
  readonly name: string;
  /** `Deployment`, for pods that a controller makes. */
  readonly controller?: string;
  /** Keys of the pods; empty for the outside. */
  readonly pods: readonly string[];
  /** On which it is asked: `7070/TCP`. */
  readonly ports: readonly string[];
}

export interface ReportPair {
  /** Ids of points. Equal: one replica to another, or a pod to itself, which is always allowed. */
  readonly from: string;
  readonly to: string;
  readonly verdict: 'all' | 'some' | 'none';
  readonly allowed: readonly string[];
  readonly denied: readonly string[];
}

export interface MatrixReport {
  readonly by: 'workload' | 'pod';
  readonly summary: {
    readonly points: number;
    readonly pods: number;
    /** Pods of no workload count as one each. */
    readonly workloads: number;
    /** Ordered pairs of different points, and how many of them may talk on all or some ports. */
    readonly pairs: number;
    readonly all: number;
    readonly some: number;
  };
  /** By namespace, the outside last. */
  readonly points: readonly ReportPoint[];
  readonly pairs: readonly ReportPair[];
}

export function matrixReport(matrix: Matrix, by: MatrixReport['by']): MatrixReport {
  const points = byNamespace(
    by === 'pod'
      ? [...matrix.points.values()].map(pointOfPod)
      : [...matrix.groups.values()].map((group) => pointOfGroup(group, matrix)),
  );
  const pairs = by === 'pod' ? pairsOfCells(matrix.cells) : matrix.pairs.map(pairOfGroups);
  const pods = matrix.points
    .values()
    .filter(({ kind }) => kind === 'pod')
    .toArray();
  const different = pairs.filter(({ from, to }) => from !== to);
  const count = (verdict: ReportPair['verdict']): number =>
    different.filter((pair) => pair.verdict === verdict).length;
  return {
    by,
    summary: {
      points: points.filter(({ kind }) => kind !== 'external').length,
      pods: pods.length,
      workloads: new Set(pods.map(workloadKey)).size,
      pairs: different.length,
      all: count('all'),
      some: count('some'),
    },
    points,
    pairs,
  };
}

function pointOfGroup({ id, kind, namespace, workload, points, ports }: Group, matrix: Matrix): ReportPoint {
  return {
    id,
    kind,
    ...(namespace === undefined ? {} : { namespace }),
    name: nameOf(id, namespace),
    ...(workload ? { controller: workload.kind } : {}),
    pods: points.filter((point) => matrix.points.get(point)?.kind === 'pod'),
    ports: ports.map(portText),
  };
}

function pointOfPod(point: Point): ReportPoint {
  const ports = point.ports.map(portText);
  if (point.kind === 'external') return { id: point.id, kind: 'external', name: point.id, pods: [], ports };
  const { namespace, owner } = point.pod;
  const controller = owner ? { controller: owner.kind } : {};
  return {
    id: point.id,
    kind: 'pod',
    namespace,
    name: nameOf(point.id, namespace),
    ...controller,
    pods: [point.id],
    ports,
  };
}

/** The id without its namespace: stays unique where workloads of two kinds share a name. */
function nameOf(id: string, namespace: string | undefined): string {
  return namespace === undefined ? id : id.slice(namespace.length + 1);
}

/** Keeps the order, but brings the points of a namespace together. */
function byNamespace(points: readonly ReportPoint[]): readonly ReportPoint[] {
  const groups = Map.groupBy(points, ({ namespace }) => namespace);
  const outside = groups.get(undefined) ?? [];
  groups.delete(undefined);
  return [...[...groups.values()].flat(), ...outside];
}

function pairOfGroups({ source, destination, summary, ports }: Matrix['pairs'][number]): ReportPair {
  const texts = (allowed: boolean): string[] =>
    ports.filter((port) => port.allowed === allowed).map(portText);
  return { from: source, to: destination, verdict: summary, allowed: texts(true), denied: texts(false) };
}

function pairsOfCells(cells: readonly Cell[]): ReportPair[] {
  const byPair = Map.groupBy(cells, ({ source, destination }) => `${source} ${destination}`);
  return [...byPair.values()].flatMap((same) => {
    const [first] = same;
    if (!first) return [];
    const texts = (allowed: boolean): string[] => [
      ...new Set(
        same
          .filter((cell) => cell.allowed === allowed)
          // The family is told only where it makes a difference.
          .map((cell) =>
            portText(
              same.some((other) => differsByFamily(cell, other)) ? cell : { ...cell, family: undefined },
            ),
          ),
      ),
    ];
    const [allowed, denied] = [texts(true), texts(false)];
    const verdict = denied.length === 0 ? 'all' : allowed.length === 0 ? 'none' : 'some';
    return [{ from: first.source, to: first.destination, verdict, allowed, denied } as const];
  });
}

function differsByFamily(a: Cell, b: Cell): boolean {
  return a.protocol === b.protocol && a.port === b.port && a.allowed !== b.allowed;
}

/** `7070/TCP`, and `7070/TCP over IPv6` where the families differ. */
function portText({ protocol, port, family }: PortSpec & { readonly family?: 4 | 6 | undefined }): string {
  return `${port}/${protocol}${family === undefined ? '' : ` over IPv${family}`}`;
}
