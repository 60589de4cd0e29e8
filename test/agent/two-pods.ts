/** Two pods of one node, and policies of one of them by ports. */
import { expect } from 'vitest';
import type { NodeUpdate } from '../../src/agent/node-enforcer.ts';
import { changeBetween } from '../../src/compiler/live/change.ts';
import type { PolicedCluster } from '../../src/compiler/live/change.ts';
import { translatePolicies } from '../../src/dialects/translate.ts';
import type { Cluster } from '../../src/objects/model.ts';
import type { Flow } from '../../src/policy/verdict.ts';
import { assembleCluster } from '../../src/sources/assemble.ts';
import { parseManifests } from '../../src/sources/manifests.ts';

export function updateBetween(before: PolicedCluster | undefined, after: PolicedCluster): NodeUpdate {
  const { policies = [], ...rest } = changeBetween(before, after);
  return { ...rest, policies: [...policies].map(([id, one]) => [id, one && { policy: one }] as const) };
}

export function state(
  manifests: string,
  before?: PolicedCluster & { cluster: Cluster },
): PolicedCluster & { cluster: Cluster } {
  const { objects, diagnostics } = parseManifests(manifests, 'test.yaml');
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  const cluster = assembleCluster(objects, { families: [4], nodes: 1 }, before?.cluster);
  return { cluster, policies: translatePolicies(cluster) };
}

export function pod(name: string, address: string): string {
  return `
---
apiVersion: v1
kind: Pod
metadata: { name: ${name}, namespace: x, labels: { app: ${name} } }
spec: { nodeName: n1, containers: [{ name: main, image: main }] }
status: { podIP: ${address}, phase: Running }
`;
}

export const world = `
apiVersion: v1
kind: Node
metadata: { name: n1 }
spec: { podCIDR: 10.0.0.0/24 }
status: { addresses: [{ type: InternalIP, address: 192.0.2.1 }] }
${pod('client', '10.0.0.2')}${pod('server', '10.0.0.3')}`;

export function policy(name: string, ports: readonly number[]): string {
  return `
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: ${name}, namespace: x }
spec:
  podSelector: { matchLabels: { app: server } }
  ingress: [{ ports: [${ports.map((port) => `{ port: ${port} }`).join(', ')}] }]
`;
}

export function flowTo(cluster: Cluster, port: number): Flow {
  const address = (key: string) => {
    const [first] = cluster.pods.get(key)?.addresses ?? [];
    if (!first) throw new Error(`${key} has no address`);
    return first;
  };
  return { source: address('x/client'), destination: address('x/server'), protocol: 6, port };
}
