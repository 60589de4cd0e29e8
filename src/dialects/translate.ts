/** All policy objects of a cluster, whatever their language, as one list of IR policies. */
import type { Cluster, NetworkPolicy } from '../objects/model.ts';
import type { Policy } from '../policy/ir.ts';
import { translateNetworkPolicy } from './networkpolicy/translate.ts';

export function translatePolicies(cluster: Cluster): readonly Policy[] {
  return [...cluster.networkPolicies.values()].map(translateOnce);
}

/** The same object gives the same policy, so that what follows a cluster sees at once what changed. */
const translated = new WeakMap<NetworkPolicy, Policy>();

function translateOnce(object: NetworkPolicy): Policy {
  let policy = translated.get(object);
  if (!policy) translated.set(object, (policy = translateNetworkPolicy(object)));
  return policy;
}
