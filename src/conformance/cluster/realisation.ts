/** Waits until a change of policies is in force. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError } from '../../kubernetes/api-error.ts';
import type { KubernetesClient } from '../../kubernetes/client.ts';
import { networkPolicies, type Resource } from '../../kubernetes/resource.ts';
import { compareResourceVersions } from '../../kubernetes/resource-version.ts';
import { asFields, asText } from '../../kubernetes/untyped.ts';
import { statusApi } from '../../agent/node-status.ts';

export interface Realisation {
  /** After a change, until it is in force, or probing has to find out. */
  wait(): Promise<void>;
}

const statuses: Resource = { group: statusApi.group, version: statusApi.version, plural: statusApi.plural };

/** An engine that says nothing of itself gets this long before it is asked anything. */
const settleMs = 1000;
const pollMs = 100;
/** Then it is up to the probes to show what is wrong. */
const patienceMs = 15_000;

/** By what Bulkhead's agents report where there are any on these nodes, else by time. */
export async function findRealisation(
  client: KubernetesClient,
  nodes: readonly string[],
  marker: Marker,
): Promise<Realisation> {
  const reported = await reportedVersions(client);
  if (nodes.every((node) => reported?.has(node))) return new ReportedRealisation(client, nodes, marker);
  return { wait: async () => sleep(settleMs) };
}

/** A policy of no pods, written after all others: what has come up to it has come up to them. */
export class Marker {
  readonly #client: KubernetesClient;
  readonly #namespace: string;
  #count = 0;

  constructor(client: KubernetesClient, namespace: string) {
    this.#client = client;
    this.#namespace = namespace;
  }

  /** Its version. */
  async write(): Promise<string> {
    this.#count += 1;
    const object = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'marker', annotations: { 'bulkhead.io/count': String(this.#count) } },
      spec: { podSelector: { matchLabels: { 'bulkhead.io/none': 'none' } }, policyTypes: ['Ingress'] },
    };
    const written = await this.#client.apply(
      networkPolicies,
      { namespace: this.#namespace, name: 'marker' },
      object,
      { fieldManager: 'bulkhead-conformance', force: true },
    );
    return asText(asFields(written['metadata'])?.['resourceVersion']) ?? '';
  }
}

class ReportedRealisation implements Realisation {
  readonly #client: KubernetesClient;
  readonly #nodes: readonly string[];
  readonly #marker: Marker;

  constructor(client: KubernetesClient, nodes: readonly string[], marker: Marker) {
    this.#client = client;
    this.#nodes = nodes;
    this.#marker = marker;
  }

  async wait(): Promise<void> {
    const version = await this.#marker.write();
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const reported = await reportedVersions(this.#client);
      const isHeld = (node: string): boolean => {
        const held = reported?.get(node);
        return held !== undefined && held !== '' && (compareResourceVersions(held, version) ?? -1) >= 0;
      };
      if (this.#nodes.every(isHeld) || performance.now() > deadline) return;
      await sleep(pollMs);
    }
  }
}

/** By node; undefined where nobody knows such reports. */
async function reportedVersions(client: KubernetesClient): Promise<ReadonlyMap<string, string> | undefined> {
  try {
    const { items } = await client.list(statuses);
    return new Map(
      items.map((item) => [
        asText(asFields(item['metadata'])?.['name']) ?? '',
        asText(asFields(item['status'])?.['realisedResourceVersion']) ?? '',
      ]),
    );
  } catch (error) {
    if (error instanceof ApiError && (error.status === 404 || error.status === 403)) return undefined;
    throw error;
  }
}
