/** Paths → cluster, for the commands that work offline. */
import type { Cluster } from '../objects/model.ts';
import { assembleCluster, type AssembleOptions } from './assemble.ts';
import { familiesOf } from './families.ts';
import { readManifests, type ManifestOptions, type Manifests } from './manifests.ts';

export interface LoadOptions extends ManifestOptions, Partial<AssembleOptions> {}

export interface Loaded {
  readonly cluster: Cluster;
  readonly manifests: Manifests;
}

/**
 * Reads and assembles; two nodes, and the IP families that the manifests tell, unless told otherwise.
 * @throws BulkheadError
 */
export function loadCluster(paths: readonly string[], options: LoadOptions = {}): Loaded {
  const manifests = readManifests(paths, options);
  const { families = familiesOf(manifests.objects), nodes = 2 } = options;
  return { cluster: assembleCluster(manifests.objects, { families, nodes }), manifests };
}
