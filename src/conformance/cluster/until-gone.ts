/** Waits for the end of an object that was deleted. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError } from '../../kubernetes/api-error.ts';
import type { KubernetesClient } from '../../kubernetes/client.ts';
import { describePlace, type Place, type Resource } from '../../kubernetes/resource.ts';
import { slow } from './slow.ts';

const patienceMs = 120_000;
const pauseMs = 150;

/** Its name may be used again then. Throws BulkheadError CONFORMANCE_CLUSTER_SLOW. */
export async function untilGone(client: KubernetesClient, resource: Resource, place: Place): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (await isThere(client, resource, place)) {
    if (performance.now() > deadline) throw slow(`${describePlace(resource, place)} is not gone`, patienceMs);
    await sleep(pauseMs);
  }
}

async function isThere(client: KubernetesClient, resource: Resource, place: Place): Promise<boolean> {
  try {
    await client.get(resource, place);
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return false;
    throw error;
  }
}
