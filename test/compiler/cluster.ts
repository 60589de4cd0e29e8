/** Clusters from manifests, for tests that are about something in particular. */
import { translatePolicies } from '../../src/dialects/translate.ts';
import type { Cluster } from '../../src/objects/model.ts';
import type { Policy } from '../../src/policy/ir.ts';
import { assembleCluster } from '../../src/sources/assemble.ts';
import { parseManifests } from '../../src/sources/manifests.ts';

export interface State {
  readonly cluster: Cluster;
  readonly policies: readonly Policy[];
}

export function fromManifests(...documents: readonly string[]): State {
  const { objects } = parseManifests(documents.join('\n---\n'), 'test.yaml');
  const cluster = assembleCluster(objects, { families: [4], nodes: 1 });
  return { cluster, policies: translatePolicies(cluster) };
}

export interface PodManifest {
  readonly name: string;
  readonly app: string;
  readonly ip: string;
}

export function pod({ name, app, ip }: PodManifest): string {
  return `
apiVersion: v1
kind: Pod
metadata: { name: ${name}, namespace: shop, labels: { app: ${app} } }
spec: { containers: [{ name: main, image: main }] }
status: { podIP: ${ip} }`;
}

/** `ingress`: the list, as YAML flow. */
export function ingressPolicy(name: string, app: string, ingress: string): string {
  return `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: ${name}, namespace: shop }
spec:
  podSelector: { matchLabels: { app: ${app} } }
  ingress: ${ingress}`;
}
