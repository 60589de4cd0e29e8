/** Probes a running lab and puts together what the command line shows of it. */
import { computeMatrix, type Cell, type Matrix } from '../analyze/matrix.ts';
import type { Point } from '../analyze/points.ts';
import { translatePolicies } from '../dialects/translate.ts';
import { BulkheadError, failure } from '../errors.ts';
import { probeMatrix } from '../lab/probe.ts';
import type { SnapshotResult } from '../lab/protocol.ts';
import type { ProbeReport } from './lab-reports.ts';
import { matrixReport } from './matrix-report.ts';

export interface ProbeLabOptions {
  readonly lab: string;
  readonly filter: { readonly from?: string; readonly to?: string };
  readonly onProgress: (text: string) => void;
}

export async function probeLab(snapshot: SnapshotResult, options: ProbeLabOptions): Promise<ProbeReport> {
  const { lab, filter, onProgress } = options;
  const started = performance.now();
  onProgress('judging all pairs');
  const matrix = computeMatrix(snapshot.cluster, translatePolicies(snapshot.cluster));
  const fits = (id: string, pattern: string | undefined) => {
    const point = matrix.points.get(id);
    return pattern === undefined || (point !== undefined && matchesPoint(point, pattern));
  };
  const cells = await probeMatrix({
    matrix,
    placements: snapshot,
    wanted: ({ source, destination }) => fits(source, filter.from) && fits(destination, filter.to),
    onProgress,
  });
  if (cells.length === 0) throw nothingToProbe();
  const skipped = cells.filter(({ outcome }) => outcome === 'unsupported');
  const probed = cells.filter(({ outcome }) => outcome !== 'unsupported');
  const differences = probed.filter(({ difference }) => difference !== undefined);
  return {
    lab,
    ms: performance.now() - started,
    agree: probed.length - differences.length,
    allowed: probed.filter(({ allowed }) => allowed).length,
    denied: probed.filter(({ allowed }) => !allowed).length,
    differences,
    skipped: skipped.length > 0 ? { 'this kernel has no SCTP sockets': skipped.length } : {},
    cells,
    matrix: matrixReport(partOfMatrix(matrix, cells), 'workload'),
  };
}

/** The part that the cells are of. A workload is in it if one of its pods is: its replicas agree. */
export function partOfMatrix(matrix: Matrix, cells: readonly Cell[]): Matrix {
  const sources = new Set(cells.map(({ source }) => source));
  const destinations = new Set(cells.map(({ destination }) => destination));
  const among = (group: string, ids: ReadonlySet<string>): boolean =>
    matrix.groups.get(group)?.points.some((id) => ids.has(id)) ?? false;
  const pairs = matrix.pairs.filter(
    ({ source, destination }) => among(source, sources) && among(destination, destinations),
  );
  const named = new Set(pairs.flatMap(({ source, destination }) => [source, destination]));
  const groups = new Map([...matrix.groups].filter(([id]) => named.has(id)));
  const members = new Set([...groups.values()].flatMap(({ points }) => points));
  const points = new Map([...matrix.points].filter(([id]) => members.has(id)));
  return { points, cells, groups, pairs };
}

function nothingToProbe(): BulkheadError {
  return new BulkheadError(
    failure('LAB_NOTHING_TO_PROBE', 'no pair of pods, or of a pod and the outside, fits', {
      hint: 'Write namespace/pod, namespace/workload, namespace/, an address or "internet"; `bulkhead lab status` lists the pods.',
    }),
  );
}

/** `namespace/`, `namespace/name`, `name`: of a pod or of the workload that made it; or an outside point. */
function matchesPoint(point: Point, pattern: string): boolean {
  if (point.id === pattern || point.addresses.some(({ text }) => text === pattern)) return true;
  if (point.kind === 'external') return false;
  const { namespace, name, owner } = point.pod;
  if (pattern.endsWith('/')) return pattern === `${namespace}/`;
  return [name, ...(owner ? [owner.name] : [])].some(
    (known) => pattern === known || pattern === `${namespace}/${known}`,
  );
}
