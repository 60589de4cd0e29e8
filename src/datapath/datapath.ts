/**
 * What an enforcement engine offers: hold one node's tables, change them by deltas, count, and report.
 * Implementations: ebpf/ and nftables/. Nothing here knows what a policy is.
 */
import type { Delta, NodeTables } from '../compiler/tables.ts';
import type { RuleId } from '../compiler/program.ts';

/** Order and numbers are those of bpf/verdict.h. */
export const reasons = [
  'none',
  'rule',
  'not-isolated',
  'default-deny',
  'reply',
  'related',
  'self',
  'node',
  'unprogrammed',
  'malformed',
  'neighbour-discovery',
  'no-subject',
] as const;
export type DatapathReason = (typeof reasons)[number];

export interface FlowEvent {
  /** Nanoseconds of CLOCK_MONOTONIC. */
  readonly time: bigint;
  readonly family: 4 | 6;
  readonly hook: 'forward' | 'local-in';
  /** 4 or 16 bytes. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly protocol: number;
  readonly sourcePort: number;
  readonly port: number;
  readonly allowed: boolean;
  /** For a deny: the direction that denied first (egress before ingress). For an allow both are filled. */
  readonly egress: { readonly reason: DatapathReason; readonly rule: RuleId; readonly set: number };
  readonly ingress: { readonly reason: DatapathReason; readonly rule: RuleId; readonly set: number };
}

export interface Counter {
  readonly packets: bigint;
  readonly bytes: bigint;
}

export interface Counters {
  /** Packets decided by each rule (index = RuleId). */
  readonly rules: ReadonlyMap<RuleId, Counter>;
  readonly reasons: Readonly<Record<DatapathReason, { readonly allowed: Counter; readonly denied: Counter }>>;
  /** Events that found no room in the ring buffer. */
  readonly lostEvents: bigint;
}

/** Something in the kernel is not as the datapath left it. */
export interface Drift {
  readonly kind: 'program' | 'pin' | 'table' | 'rows';
  /** For people. */
  readonly detail: string;
}

export interface Datapath {
  /**
   * Applies the delta; returns after the commit, when every later packet sees the new policy. On failure throws
   * BulkheadError (`DATAPATH_FULL`, …) with the old policy still whole. The sweep happens by itself later, or in
   * `sweep()`.
   */
  apply(delta: Delta): void;
  /** Waits for the grace period and removes what the last deltas left unreachable. */
  sweep(): void;
  counters(): Counters;
  /**
   * Compares the kernel with `tables`, which the deltas so far must have led to, in steps that take milliseconds. Gives
   * what each found. Deltas may be applied in between; once the datapath is closed, no further step may be taken.
   */
  audit(tables: NodeTables): Iterable<readonly Drift[]>;
  /**
   * Whether all that judges packets is still where this datapath put it; cheap enough to ask many times a second. True
   * before the first `apply`. `audit` looks closer.
   */
  intact(): boolean;
  /** Takes the events that are there now; never blocks. */
  drainEvents(limit: number, onEvent: (event: FlowEvent) => void): void;
  /** Lets go of file descriptors; enforcement goes on in the kernel. */
  close(): void;
  /** Takes the programs out of the hooks and removes the pins: nothing is enforced any more. */
  detach(): void;
}
