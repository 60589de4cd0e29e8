/** All policy objects of a cluster, whatever their language, as one list of IR policies. */
import type { Cluster } from '../objects/model.ts';
import type { Policy } from '../policy/ir.ts';
import { translateNetworkPolicy } from './networkpolicy/translate.ts';

export function translatePolicies(cluster: Cluster): readonly Policy[] {
  return [...cluster.networkPolicies.values()].map(translateNetworkPolicy);
}
