/** Makes one set of labels into another. */
type LabelSet = Readonly<Record<string, string>>;

/** A merge patch of an object; undefined if there is nothing to do. */
export function labelPatch(before: LabelSet, after: LabelSet): unknown {
  const changes: Record<string, string | null> = {};
  for (const key of Object.keys(before)) if (!(key in after)) changes[key] = null;
  for (const [key, value] of Object.entries(after)) if (before[key] !== value) changes[key] = value;
  return Object.keys(changes).length > 0 ? { metadata: { labels: changes } } : undefined;
}
