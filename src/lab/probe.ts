/** Sends real packets between all pairs of points and compares what arrives with what the policies say. */
import type { Cell, Matrix } from '../analyze/matrix.ts';
import type { Point } from '../analyze/points.ts';
import { probeAll } from './network/prober.ts';
import type { Probe, ProbeOutcome, ProbeResult } from './network/prober.ts';
import type { SnapshotResult } from './protocol.ts';

export interface ProbedCell extends Cell {
  readonly outcome: ProbeOutcome;
  /** Absent: as computed. */
  readonly difference?: Difference;
}

/**
 * `blocked`: allowed, but nothing came back. `leaked`: denied, but something did – be it a refusal or an ICMP error,
 * as a denied packet is dropped without a word. `failed`: allowed, but refused or unreachable, so the lab is at fault.
 * `stranger`: somebody else than the destination answered.
 */
export type Difference = 'blocked' | 'leaked' | 'failed' | 'stranger';

export interface ProbeOptions {
  readonly matrix: Matrix;
  readonly placements: Pick<SnapshotResult, 'pods' | 'world'>;
  /** Which cells to probe. */
  readonly wanted: (cell: Cell) => boolean;
  readonly onProgress?: (text: string) => void;
}

/** Milliseconds to wait for an answer; then again, and longer, for what should have had one. */
const timeouts = [800, 2000, 4000] as const;

/** Cells in the matrix's order. SCTP cells are probed only where this kernel has SCTP (`unsupported` otherwise). */
export async function probeMatrix(options: ProbeOptions): Promise<readonly ProbedCell[]> {
  const { matrix, placements, wanted, onProgress } = options;
  const cells = matrix.cells.filter(wanted);
  const probes = cells.map((cell) => probeOf(cell, matrix, placements));
  const results: ProbeResult[] = [];
  let pending = cells.map((_, index) => index);
  for (const [round, timeoutMs] of timeouts.entries()) {
    if (pending.length === 0) break;
    onProgress?.(
      round === 0 ? `sending ${pending.length} probes` : `asking again for ${pending.length} answers`,
    );
    const sent = pending.flatMap((index) => probes[index] ?? []);
    const answers = await probeAll(sent, { timeoutMs });
    for (const [position, index] of pending.entries()) {
      const answer = answers[position];
      if (answer) results[index] = answer;
    }
    pending = pending.filter((index) => cells[index]?.allowed && results[index]?.outcome === 'timeout');
  }
  return cells.flatMap((cell, index) => {
    const result = results[index];
    return result ? [judge(cell, result, matrix)] : [];
  });
}

function probeOf(cell: Cell, matrix: Matrix, placements: ProbeOptions['placements']): Probe {
  const source = pointOf(matrix, cell.source);
  const netnsPath = (source.kind === 'pod' ? placements.pods.get(source.id) : placements.world)?.path;
  if (netnsPath === undefined) throw new Error(`${cell.source} has no network namespace`);
  return {
    netnsPath,
    source: addressOf(source, cell),
    destination: addressOf(pointOf(matrix, cell.destination), cell),
    protocol: cell.protocol,
    port: cell.port,
  };
}

function judge(cell: Cell, result: ProbeResult, matrix: Matrix): ProbedCell {
  const { outcome } = result;
  const difference = outcome === 'unsupported' ? undefined : differenceOf(cell, result, matrix);
  return { ...cell, outcome, ...(difference ? { difference } : {}) };
}

function differenceOf(cell: Cell, { outcome, answer }: ProbeResult, matrix: Matrix): Difference | undefined {
  if (!cell.allowed) return outcome === 'timeout' ? undefined : 'leaked';
  if (outcome === 'timeout') return 'blocked';
  // No server of ours listens on SCTP: a refusal proves that the packet arrived and its answer came back.
  if (outcome !== 'open') return cell.protocol === 'SCTP' && outcome === 'refused' ? undefined : 'failed';
  return answer !== undefined && isStranger(answer, cell, matrix) ? 'stranger' : undefined;
}

/** Servers say who they are, except those that speak a protocol of their own (DNS). Pods of one node may share ports. */
function isStranger(answer: string, cell: Cell, matrix: Matrix): boolean {
  const destination = pointOf(matrix, cell.destination);
  if (destination.kind === 'pod' && destination.pod.hostNetwork) return false;
  const name = destination.kind === 'pod' ? destination.id : addressOf(destination, cell).text;
  return /^\S+ (?:TCP|UDP) \d+$/.test(answer) && answer !== `${name} ${cell.protocol} ${cell.port}`;
}

function pointOf(matrix: Matrix, id: string): Point {
  const point = matrix.points.get(id);
  if (!point) throw new Error(`the matrix has no point ${id}`);
  return point;
}

function addressOf(point: Point, { family }: Cell) {
  const address = point.addresses.find((candidate) => candidate.family === family);
  if (!address) throw new Error(`${point.id} has no IPv${family} address`);
  return address;
}
