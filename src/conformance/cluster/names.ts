/** What cases call things, and what these are called in a cluster that others use, too. */
import { createHash } from 'node:crypto';
import type { ContainerPort, Labels } from '../../objects/model.ts';
import { asFields, asList, asText } from '../../kubernetes/untyped.ts';

/** On everything that is made, with the name of the run: by it all can be found and removed. */
export const runLabel = 'bulkhead.io/conformance';

/** Kubernetes sets it on each namespace, so its values are names of namespaces. */
const nameLabel = 'kubernetes.io/metadata.name';

export class Names {
  readonly #prefix: string;

  /** @param prefix of the names of all namespaces, unique in the cluster */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  namespace(name: string): string {
    return `${this.#prefix}-${name}`;
  }

  labels(labels: Labels): Record<string, string> {
    return Object.fromEntries(Object.entries(labels).map(([key, value]) => [key, this.#value(key, value)]));
  }

  /** A policy with the cluster's names of namespaces in it, in its metadata and in its selectors. */
  policy(manifest: unknown): unknown {
    const policy = asFields(manifest) ?? {};
    const metadata = asFields(policy['metadata']) ?? {};
    const namespace = this.namespace(asText(metadata['namespace']) ?? '');
    return { ...policy, metadata: { ...metadata, namespace }, spec: this.#selectors(policy['spec']) };
  }

  #selectors(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.#selectors(item));
    const fields = asFields(value);
    if (!fields) return value;
    if (fields['key'] === nameLabel) {
      return { ...fields, values: asList(fields['values']).map((item) => this.namespace(String(item))) };
    }
    return Object.fromEntries(
      Object.entries(fields).map(([key, inner]) => [
        key,
        key === nameLabel && typeof inner === 'string' ? this.namespace(inner) : this.#selectors(inner),
      ]),
    );
  }

  #value(key: string, value: string): string {
    return key === nameLabel ? this.namespace(value) : value;
  }
}

/** Pods that differ in what can't be changed about a pod have different names. */
export function podName(name: string, node: string, ports: readonly ContainerPort[]): string {
  const shape = JSON.stringify([node, ports.map((port) => [port.name, port.containerPort, port.protocol])]);
  return `${name}-${createHash('sha256').update(shape).digest('hex').slice(0, 6)}`;
}
