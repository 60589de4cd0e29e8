/**
 * The order of resource versions. They are decimal numbers that grow with each write to the cluster's store, which
 * Kubernetes guarantees for its own resources (KEP-5504) and etcd has always given.
 */

/** Negative if `a` is older than `b`; undefined if the two cannot be compared. */
export function compareResourceVersions(a: string, b: string): number | undefined {
  if (a === b) return 0;
  if (!/^[1-9]\d*$/.test(a) || !/^[1-9]\d*$/.test(b)) return undefined;
  return a.length - b.length || (a < b ? -1 : 1);
}
