/** From a NetworkPolicy as the API server has it to what is wanted of the enforcer: never less than it closes. */
import { translateNetworkPolicy } from '../dialects/networkpolicy/translate.ts';
import type { NetworkPolicy } from '../objects/model.ts';
import type { ApiPolicy, RefusedPolicy } from '../sources/api/network-policy.ts';
import type { WantedPolicy } from './node-enforcer.ts';

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
      since: now,
      enforced: 'closed',
    },
  };
}

/** Isolates its pods both ways; where not even these can be read, all of its namespace. */
function closedPolicy({ key, namespace, name, refused, podSelector }: RefusedPolicy): NetworkPolicy {
  return {
    key,
    namespace,
    name,
    apiVersion: 'networking.k8s.io/v1',
    podSelector: podSelector ?? { matchLabels: {}, matchExpressions: [] },
    policyTypes: ['Ingress', 'Egress'],
    ingress: [],
    egress: [],
    position: refused[0]?.position ?? { file: `networkpolicies/${key}`, line: 1, column: 1 },
  };
}
