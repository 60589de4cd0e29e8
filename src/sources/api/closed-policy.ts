/** What stands for a policy that can't be read: never less than it closes. */
import type { NetworkPolicy } from '../../objects/model.ts';
import type { RefusedPolicy } from './network-policy.ts';

/** Isolates its pods both ways; where not even these can be read, all of its namespace. */
export function closedPolicy({ key, namespace, name, refused, podSelector }: RefusedPolicy): NetworkPolicy {
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
