/** Changes the pods of a made-up cluster at a given rate, until it is stopped. */
import type { ApiClient } from './client.ts';
import { createRunningPod } from './fill.ts';
import { madeUpPod, type Shape } from './made-up-objects.ts';

/** `label`: one label gets another value. `replace`: the pod goes, and another with another address takes its place. */
export type Change = 'label' | 'replace';

export interface Churn {
  /** Stops, waits for what is under way, and gives the number of changes. Rejects with the first that failed. */
  stop(): Promise<number>;
}

/** How often it looks how many changes are due. */
const tickMs = 10;

/** @param changes what to do, in turns; the pods are taken in turns, too */
export function startChurn(
  client: ApiClient,
  shape: Shape,
  perSecond: number,
  changes: readonly Change[] = ['label', 'replace'],
): Churn {
  const generations = new Uint32Array(shape.pods);
  const busy = new Set<number>();
  const underWay = new Set<Promise<void>>();
  const failures: unknown[] = [];
  const started = performance.now();
  let count = 0;

  const apply = async (index: number, change: Change, number: number): Promise<void> => {
    const generation = generations[index] ?? 0;
    const pod = madeUpPod(shape, index, generation);
    const path = `/api/v1/namespaces/${pod.namespace}/pods/${pod.name}`;
    if (change === 'label') {
      const patch = { metadata: { labels: { app: `app-${number % shape.apps}` } } };
      await client.must('PATCH', path, patch, 'application/merge-patch+json');
      return;
    }
    await client.must('DELETE', path, { gracePeriodSeconds: 0 });
    generations[index] = generation + 1;
    await createRunningPod(client, madeUpPod(shape, index, generation + 1));
  };

  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - started) / 1000) * perSecond);
    for (; count < due; count++) {
      const index = count % shape.pods;
      // The API server is slower than the rate: its last change of this pod comes first.
      if (busy.has(index)) break;
      busy.add(index);
      const change = changes[count % changes.length] ?? 'label';
      const done = apply(index, change, count)
        .catch((error: unknown) => void failures.push(error))
        .finally(() => {
          busy.delete(index);
          underWay.delete(done);
        });
      underWay.add(done);
    }
  }, tickMs);

  return {
    stop: async () => {
      clearInterval(timer);
      await Promise.all(underWay);
      if (failures.length > 0) throw failures[0];
      return count;
    },
  };
}
