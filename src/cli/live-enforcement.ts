/** What `explain --live` says about now: as far as the nodes report it. */
import type { Explanation } from '../analyze/explain.ts';
import { BulkheadError, warning, type Diagnostic } from '../errors.ts';
import type { KubernetesClient } from '../kubernetes/client.ts';
import type { Cluster } from '../objects/model.ts';
import { enforcementOf, type Enforcement } from '../operate/enforcement.ts';
import { readRollout } from '../operate/read-rollout.ts';

/** A text where nobody tells: another engine enforces in this cluster, or its reports may not be read. */
export async function readEnforcement(
  client: KubernetesClient,
  explanation: Explanation,
  cluster: Cluster,
): Promise<Enforcement | string> {
  try {
    return enforcementOf(explanation, cluster, await readRollout(client));
  } catch (error) {
    const isKnown =
      error instanceof BulkheadError &&
      ['BULKHEAD_NOT_INSTALLED', 'KUBERNETES_FORBIDDEN'].includes(error.code);
    if (!isKnown) throw error;
    return error.diagnostics[0]?.message ?? error.message;
  }
}

export function enforcementWarnings(enforcement: Enforcement | string): readonly Diagnostic[] {
  if (typeof enforcement === 'string' || enforcement.inForce) return [];
  const nodes = enforcement.nodes
    .filter(({ state, missing }) => missing.length > 0 || (state !== 'ready' && state !== 'degraded'))
    .map(({ node }) => node);
  const hint = 'See `bulkhead status policies`, or wait with `bulkhead wait`.';
  return [
    warning('EXPLAIN_NOT_IN_FORCE', `not every policy is in force on ${nodes.join(', ')} as it stands`, {
      hint,
    }),
  ];
}
