/** From a NetworkPolicy as the API server has it to what is wanted of the enforcer: never less than it closes. */
import { translateNetworkPolicy } from '../dialects/networkpolicy/translate.ts';
import { closedPolicy } from '../sources/api/closed-policy.ts';
import type { ApiPolicy } from '../sources/api/network-policy.ts';
import type { WantedPolicy } from './refused-policy.ts';

export function policyId(key: string): string {
  return `NetworkPolicy/${key}`;
}

export function wantedPolicy(object: ApiPolicy, now: number): WantedPolicy {
  if (object.refused === undefined) return { policy: translateNetworkPolicy(object.policy) };
  const reason = object.refused.find(({ severity }) => severity === 'error');
  return {
    policy: translateNetworkPolicy(closedPolicy(object)),
    refusal: {
      code: reason?.code ?? 'POLICY_UNREADABLE',
      message: [reason?.field, reason?.message ?? 'it could not be read'].filter(Boolean).join(': '),
      ...(reason?.hint === undefined ? {} : { hint: reason.hint }),
      since: now,
      enforced: 'closed',
    },
  };
}
