/** Questions to a policy engine and its answers; shared by the oracle, the compiled tables and the datapaths. */
import type { Address } from '../objects/ip.ts';
import type { Direction, Origin, Rule } from './ir.ts';

/** A new connection (its first packet), after DNAT and before SNAT. */
export interface Flow {
  readonly source: Address;
  readonly destination: Address;
  /** IANA protocol number: 6 TCP, 17 UDP, 132 SCTP, 1 ICMP, 58 ICMPv6, … */
  readonly protocol: number;
  /** Destination port; 0 for protocols without ports. */
  readonly port: number;
}

/** Why one direction decided as it did. */
export type Reason =
  /** A rule matched (`rule` is set); the verdict is that rule's action. */
  | 'rule'
  /** Nothing matched and a selecting policy denies by default (`isolatedBy` is not empty). */
  | 'default-deny'
  /** No policy isolates the subject in this direction (or every tier passed). */
  | 'not-isolated'
  /** The address in question is not a pod: nobody to enforce this direction for. */
  | 'no-subject'
  /** Source and destination are the same pod. */
  | 'self'
  /** The source is the node that the destination pod runs on. */
  | 'node';

/** The rule that came closest to matching a denied flow, and what differed. */
export interface NearMiss {
  readonly rule: Rule;
  /** What did not match: everything else did. `peer` and `port` both differing is not a near miss worth naming. */
  readonly differs: 'peer' | 'port';
  /** For people: `peer matched, but only TCP 80 is allowed, not TCP 443`. */
  readonly detail: string;
}

export interface DirectionVerdict {
  readonly direction: Direction;
  readonly allowed: boolean;
  readonly reason: Reason;
  readonly rule?: Rule;
  /** Policies whose default isolates the subject in this direction (also filled when a rule allowed). */
  readonly isolatedBy: readonly Origin[];
  /** Only for a deny, at most three, closest first. */
  readonly nearMisses: readonly NearMiss[];
}

export interface Verdict {
  readonly allowed: boolean;
  readonly egress: DirectionVerdict;
  readonly ingress: DirectionVerdict;
}

/** IANA numbers of the protocols that policies can name. */
export const protocolNumbers = { TCP: 6, UDP: 17, SCTP: 132 } as const;
