/** A running cluster in the form that manifests are read to. */
import type { KubernetesClient } from '../kubernetes/client.ts';
import { readSnapshot } from '../sources/api/snapshot.ts';
import type { Source } from './source-options.ts';

/** @throws BulkheadError KUBERNETES_… */
export async function readLiveCluster(client: KubernetesClient): Promise<Source> {
  const { cluster, problems, textOf } = await readSnapshot(client);
  const kinds: readonly (readonly [kind: string, names: Iterable<string>])[] = [
    ['Namespace', cluster.namespaces.keys()],
    ['Node', cluster.nodes.keys()],
    ['Pod', cluster.pods.keys()],
    ['Service', cluster.services.keys()],
    ['NetworkPolicy', cluster.networkPolicies.keys()],
  ];
  const objects = kinds.flatMap(([kind, names]) =>
    [...names].map((name) => [`${kind}/${name}`, name] as const),
  );
  return {
    cluster,
    manifests: { objects: new Map(objects), diagnostics: problems, skipped: new Map() },
    textOf,
  };
}
