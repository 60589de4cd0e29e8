/** A policy that this node can't enforce as it stands, and what holds in its place: never less than it closes. */
import type { Policy } from '../policy/ir.ts';

export interface Refusal {
  /** As in docs/errors.md. */
  readonly code: string;
  readonly message: string;
  /** What to do. */
  readonly hint?: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** `previous`: the version before goes on; `closed`: the pods that it selects are isolated, and nobody may reach them. */
  readonly enforced: 'previous' | 'closed';
}

/** A policy as it should be enforced; `refusal`: as much of it as could be read, and why not more. */
export interface WantedPolicy {
  readonly policy: Policy;
  readonly refusal?: Refusal;
}

export interface PolicyState {
  readonly wanted: WantedPolicy;
  /** What was last handed to the compiler and accepted by the datapath. */
  enforced: Policy | undefined;
  refusal: Refusal | undefined;
  /** Refused without having been offered. */
  isUntried?: boolean;
}

/** The same subjects, isolated in the same directions, without a rule that lets anybody in or out. */
export function closedVersion(policy: Policy): Policy {
  const { ingress, egress } = policy;
  return {
    ...policy,
    ...(ingress ? { ingress: { ...ingress, rules: [], default: 'deny' } } : {}),
    ...(egress ? { egress: { ...egress, rules: [], default: 'deny' } } : {}),
  };
}

/** What holds where the wanted version does not fit. */
export function insteadOf({ wanted, enforced }: PolicyState): Policy {
  return enforced ?? closedVersion(wanted.policy);
}

/** What was closed before this version came is closed still. */
export function substituteOf({ refusal, enforced }: PolicyState): Refusal['enforced'] {
  if (refusal) return refusal.enforced;
  return enforced ? 'previous' : 'closed';
}
