/** What the lab's commands return, for renderers to print. */
import type { EngineChoice } from '../datapath/engine-choice.ts';
import type { ChangeResult, StatusResult, UpResult } from '../lab/protocol.ts';
import type { ProbedCell } from '../lab/probe.ts';
import type { MatrixReport } from './matrix-report.ts';

export interface ChangeReport extends ChangeResult {
  /** Reading and parsing manifests; 0 where there were none. */
  readonly parseMs: number;
}

export interface DownReport {
  readonly labs: readonly { readonly name: string; readonly ms: number }[];
}

export interface LabListItem {
  readonly name: string;
  readonly state: 'up' | 'coming up' | 'daemon dead';
  /** Absent unless it is up. */
  readonly pods?: number;
  readonly policies?: number;
  readonly since?: string;
}

export interface ProbeReport {
  readonly lab: string;
  readonly ms: number;
  readonly agree: number;
  readonly allowed: number;
  readonly denied: number;
  /** Cells where packets and policies differ. */
  readonly differences: readonly ProbedCell[];
  /** Cells that could not be probed, by reason. */
  readonly skipped: Readonly<Record<string, number>>;
  readonly cells: readonly ProbedCell[];
  /** What the policies say of the pairs that were probed. */
  readonly matrix: MatrixReport;
}

export interface StatusReport extends StatusResult {
  readonly lab: string;
  readonly pods: readonly {
    readonly name: string;
    readonly node: string;
    readonly addresses: readonly string[];
    readonly netns: string;
  }[];
}

export interface UpReport extends UpResult {
  readonly lab: string;
  /** What enforces, and why that. */
  readonly datapath: EngineChoice;
  /** Kinds of objects that mean nothing to a lab, and how many there were. */
  readonly skipped: Readonly<Record<string, number>>;
  readonly totalMs: number;
}
