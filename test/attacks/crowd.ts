/** Clusters with far more in them than the field has: pods without a network, rules and policies by the ten thousand. */
import { Enforcer } from '../../src/agent/enforcer.ts';
import { makeAddress, makeCidr } from '../../src/objects/ip.ts';
import type { Address } from '../../src/objects/ip.ts';
import type { Cluster, NetworkPolicy, NetworkPolicyRule, Pod } from '../../src/objects/model.ts';
import { parseManifests } from '../../src/sources/manifests.ts';
import type { Capacity, Engine } from './engines.ts';
import type { Field } from './field.ts';

/**
 * Enforces from within this process, in a field that enforces nothing itself, while `action` runs; it begins with the
 * field's own cluster.
 */
export async function enforcing(
  field: Field,
  { engine, capacity }: { engine: Engine; capacity: (node: string) => Capacity },
  action: (enforcer: Enforcer) => Promise<void>,
): Promise<void> {
  const enforcer = new Enforcer();
  try {
    for (const node of field.lab.cluster.nodes.keys())
      enforcer.addNode(node, engine.openSized(field.name, node, capacity(node)));
    enforcer.update(field.lab.cluster);
    await action(enforcer);
  } finally {
    enforcer.close();
    field.disarm();
  }
}

/** A policy as a manifest has it. */
export function policyOf(manifest: string): NetworkPolicy {
  const [object] = parseManifests(manifest, 'crowd', { unknownFields: 'error' }).objects.values();
  if (object?.kind !== 'NetworkPolicy') throw new Error('no NetworkPolicy');
  return object.policy;
}

export function withPolicies(cluster: Cluster, policies: readonly NetworkPolicy[]): Cluster {
  const added = policies.map((policy) => [policy.key, policy] as const);
  return { ...cluster, networkPolicies: new Map([...cluster.networkPolicies, ...added]) };
}

export function withPods(cluster: Cluster, pods: readonly Pod[]): Cluster {
  return { ...cluster, pods: new Map([...cluster.pods, ...pods.map((pod) => [pod.key, pod] as const)]) };
}

/** The address outside that has the number: nobody's in a field, and no neighbour of another, or they would be one block. */
export function outsider(number: number): Address {
  return makeAddress(4, 0xcb000000n + 2n * BigInt(number));
}

/** Each has another outsider for its peer and another UDP port, of which close ones differ. */
export function ruleFor(number: number): NetworkPolicyRule {
  const { bits } = outsider(number);
  return {
    peers: [{ ipBlock: { cidr: makeCidr(4, bits, 32), except: [], position }, position }],
    ports: [{ protocol: 'UDP', port: portOf(number), position }],
    position,
  };
}

/** Numbers that are close, or the same in eight or in sixteen bits, have different ports, which are no neighbours. */
export function portOf(number: number): number {
  return 1025 + 2 * (number % 30_011);
}

/** A pod of the victim's namespace that is not there: nobody answers for it. */
export function absentPod(number: number, node: string, ports: Pod['ports']): Pod {
  const name = `absent-${number}`;
  return {
    key: `target/${name}`,
    namespace: 'target',
    name,
    labels: { app: 'absent', number: String(number) },
    node,
    addresses: [makeAddress(4, 0x0b000000n + BigInt(number))],
    hostNetwork: false,
    phase: 'Running',
    ports,
    position,
  };
}

export const position = { file: 'crowd', line: 1, column: 1 };
