/** A cluster from manifests, as commands get it. */
import { translatePolicies } from '../../src/dialects/translate.ts';
import type { IpFamily } from '../../src/objects/ip.ts';
import type { Cluster } from '../../src/objects/model.ts';
import type { Policy } from '../../src/policy/ir.ts';
import { assembleCluster } from '../../src/sources/assemble.ts';
import { parseManifests } from '../../src/sources/manifests.ts';

export interface Loaded {
  readonly cluster: Cluster;
  readonly policies: readonly Policy[];
}

export function clusterOf(yaml: string, families: readonly IpFamily[] = [4]): Loaded {
  const cluster = assembleCluster(parseManifests(yaml, 'test.yaml').objects, { families, nodes: 2 });
  return { cluster, policies: translatePolicies(cluster) };
}
