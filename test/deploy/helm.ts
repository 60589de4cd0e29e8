/** The real Helm, where it is built: test/cluster/parts. */
import { join } from 'node:path';
import { root } from '../../scripts/deploy/names.ts';
import { ensureParts } from '../cluster/parts/cache.ts';
import { run } from '../cluster/process/run.ts';
import { objectsOf } from './objects.ts';
import type { KubernetesObject } from './objects.ts';

export async function helm(args: readonly string[], input = ''): Promise<string> {
  const parts = await ensureParts(['helm'], console.log);
  return run(parts.helm, args, input);
}

/** The chart with settings as for --set, and values as from a file. */
export async function template(
  settings: readonly string[] = [],
  given: Readonly<Record<string, unknown>> = {},
): Promise<ReadonlyMap<string, KubernetesObject>> {
  const chart = join(root, 'deploy/helm/bulkhead');
  const options = ['--namespace', 'bulkhead-system', '--values', '-'];
  const set = settings.flatMap((setting) => ['--set', setting]);
  return objectsOf(await helm(['template', 'bulkhead', chart, ...options, ...set], JSON.stringify(given)));
}
