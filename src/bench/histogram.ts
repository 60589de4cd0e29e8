/** Histograms as Prometheus prints them: what came between two readings of one. */

export interface Bucket {
  /** Upper bound, in the metric's unit; the last one is infinite. */
  readonly bound: number;
  /** Observations that are no larger. */
  readonly count: number;
}

export function readHistogram(page: string, name: string): Bucket[] {
  const pattern = new RegExp(`^${name}_bucket\\{le="([^"]+)"\\} (\\d+)$`, 'gm');
  return page
    .matchAll(pattern)
    .map(([, bound = '', count = '']) => ({
      bound: bound === '+Inf' ? Infinity : Number(bound),
      count: Number(count),
    }))
    .toArray();
}

export function difference(before: readonly Bucket[], after: readonly Bucket[]): Bucket[] {
  return after.map(({ bound, count }, index) => ({ bound, count: count - (before[index]?.count ?? 0) }));
}

/** By linear interpolation in the bucket, as PromQL's histogram_quantile. */
export function quantile(buckets: readonly Bucket[], part: number): number {
  const rank = part * (buckets.at(-1)?.count ?? 0);
  let [below, counted] = [0, 0];
  for (const { bound, count } of buckets) {
    if (count >= rank && count > counted) {
      return bound === Infinity ? below : below + ((bound - below) * (rank - counted)) / (count - counted);
    }
    [below, counted] = [bound, count];
  }
  return NaN;
}

/** Share of the observations that are no larger than `bound`, which must be that of a bucket. */
export function shareUpTo(buckets: readonly Bucket[], bound: number): number {
  const found = buckets.find((bucket) => bucket.bound === bound);
  return (found?.count ?? NaN) / (buckets.at(-1)?.count ?? NaN);
}
