/** What a request does to the lab's objects, before anything acts on it. */
import type { ManifestObject } from '../sources/manifests.ts';
import type { Objects } from './protocol.ts';

export interface ObjectChange {
  /** `Kind/namespace/name`. */
  readonly key: string;
  readonly change: 'created' | 'changed' | 'unchanged' | 'deleted';
}

export interface ObjectChanges {
  readonly objects: Objects;
  readonly changes: readonly ObjectChange[];
}

/** Adds objects and replaces those of the same key. Unchanged ones are replaced too: their positions may be new. */
export function applyObjects(current: Objects, applied: Objects): ObjectChanges {
  const changes = [...applied].map(([key, object]): ObjectChange => {
    const before = current.get(key);
    if (!before) return { key, change: 'created' };
    return { key, change: sameContent(before, object) ? 'unchanged' : 'changed' };
  });
  return { objects: new Map([...current, ...applied]), changes };
}

/** Takes away the objects that are there; keys that are not are given back as `missing`. */
export function deleteObjects(
  current: Objects,
  keys: readonly string[],
): ObjectChanges & { readonly missing: readonly string[] } {
  const doomed = new Set(keys);
  const changes = [...current.keys()]
    .filter((key) => doomed.has(key))
    .map((key) => ({ key, change: 'deleted' as const }));
  const objects = new Map([...current].filter(([key]) => !doomed.has(key)));
  return { objects, changes, missing: keys.filter((key) => !current.has(key)) };
}

/** Whether two objects say the same, wherever they were read from. */
function sameContent(a: ManifestObject, b: ManifestObject): boolean {
  return withoutPositions(a) === withoutPositions(b);
}

function withoutPositions(object: ManifestObject): string {
  return JSON.stringify(object, (key, value: unknown) => {
    if (key === 'position') return undefined;
    if (typeof value === 'bigint') return value.toString();
    return value instanceof Map ? [...value] : value;
  });
}
