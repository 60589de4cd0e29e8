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

/** The same subjects, isolated in the same directions, without a rule that lets anybody in or out. */
export function closedVersion(policy: Policy): Policy {
  const { ingress, egress } = policy;
  return {
    ...policy,
    ...(ingress ? { ingress: { ...ingress, rules: [], default: 'deny' } } : {}),
    ...(egress ? { egress: { ...egress, rules: [], default: 'deny' } } : {}),
  };
}
