/** Manifests as objects, to compare what different tools make of one source. */
import { parseAllDocuments } from 'yaml';

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly [field: string]: unknown;
}

/** By `kind/namespace/name`; twice the same is an error. */
export function objectsOf(manifest: string): ReadonlyMap<string, KubernetesObject> {
  const objects = new Map<string, KubernetesObject>();
  for (const document of parseAllDocuments(manifest)) {
    const [error] = document.errors;
    if (error) throw error;
    const object = document.toJS() as KubernetesObject | null;
    if (object === null) continue;
    const { kind, metadata } = object;
    const key = `${kind}/${metadata.namespace ?? ''}/${metadata.name}`;
    if (objects.has(key)) throw new Error(`${key} is there twice`);
    objects.set(key, object);
  }
  return objects;
}
