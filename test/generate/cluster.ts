/**
 * Small but nasty clusters. An arbitrary yields a Blueprint (plain choices, which shrink well); `buildCluster` makes
 * the Cluster of it. Pods are named by slot, and a slot's address depends on the node, so two blueprints share names
 * and addresses: replacing one by the other relabels, moves, recreates and reuses addresses all at once.
 */
import * as fc from 'fast-check';
import type { IpFamily } from '../../src/objects/ip.ts';
import type { Cluster, ContainerPort, Labels, Namespace, Pod } from '../../src/objects/model.ts';
import { arbitraryNamespaceName, arbitraryNetworkPolicy, buildNetworkPolicy } from './network-policy.ts';
import type { PolicyBlueprint } from './network-policy.ts';
import {
  labelKeys,
  labelValues,
  makeNodes,
  namespaceNames,
  nodeNames,
  podAddress,
  podSlots,
  portNames,
  portNumbers,
} from './universe.ts';

export interface Blueprint {
  readonly families: readonly IpFamily[];
  /** One entry for each of `namespaceNames`. */
  readonly namespaceLabels: readonly Labels[];
  readonly pods: readonly PodBlueprint[];
  /** Named by index; `undefined` where one was deleted, so that the others keep their names. */
  readonly policies: readonly (PolicyBlueprint | undefined)[];
}

export interface PodBlueprint {
  readonly slot: number;
  readonly namespace: string;
  readonly labels: Labels;
  readonly node: string;
  /** Of a dual-stack cluster's families, the ones it has; the only one of a single-stack cluster in any case. */
  readonly families: readonly IpFamily[];
  readonly kind: 'ordinary' | 'hostNetwork' | 'terminal';
  readonly ports: readonly ContainerPort[];
}

export const arbitraryLabels: fc.Arbitrary<Labels> = fc.dictionary(
  fc.constantFrom(...labelKeys),
  fc.constantFrom(...labelValues),
  { maxKeys: 2, noNullPrototype: true },
);

const arbitraryFamilies = fc.constantFrom<readonly IpFamily[]>([4], [4, 6], [6]);

/** The same name may stand for other numbers and protocols elsewhere, and twice in one pod. */
const arbitraryPort: fc.Arbitrary<ContainerPort> = fc
  .record({
    name: fc.option(fc.constantFrom(...portNames), { nil: undefined }),
    containerPort: fc.constantFrom(...portNumbers),
    protocol: fc.constantFrom('TCP', 'UDP', 'SCTP'),
  })
  .map(({ name, ...port }) => (name === undefined ? port : { name, ...port }));

export const arbitraryPod: fc.Arbitrary<PodBlueprint> = fc.record({
  slot: fc.nat({ max: podSlots - 1 }),
  namespace: arbitraryNamespaceName,
  labels: arbitraryLabels,
  node: fc.constantFrom(...nodeNames),
  // None: the API server knows of no address yet.
  families: fc.oneof(
    { weight: 15, arbitrary: fc.constantFrom<readonly IpFamily[]>([4, 6], [4, 6], [4], [6]) },
    { weight: 2, arbitrary: fc.constant<readonly IpFamily[]>([]) },
  ),
  kind: fc.oneof(
    { weight: 8, arbitrary: fc.constant('ordinary' as const) },
    { weight: 1, arbitrary: fc.constant('hostNetwork' as const) },
    { weight: 1, arbitrary: fc.constant('terminal' as const) },
  ),
  ports: fc.array(arbitraryPort, { maxLength: 3 }),
});

export const arbitraryBlueprint: fc.Arbitrary<Blueprint> = fc.record({
  families: arbitraryFamilies,
  namespaceLabels: fc.array(arbitraryLabels, {
    minLength: namespaceNames.length,
    maxLength: namespaceNames.length,
  }),
  pods: fc.uniqueArray(arbitraryPod, {
    selector: ({ slot }) => slot,
    minLength: 2,
    maxLength: podSlots,
    size: 'max',
  }),
  policies: fc.array(arbitraryNetworkPolicy, { maxLength: 5, size: 'max' }),
});

export const arbitraryCluster: fc.Arbitrary<Cluster> = arbitraryBlueprint.map(buildCluster);

export function buildCluster(blueprint: Blueprint): Cluster {
  const nodes = makeNodes(blueprint.families);
  const pods = blueprint.pods.map((pod) => buildPod(pod, blueprint.families));
  const policies = blueprint.policies.flatMap((policy, index) =>
    policy ? [buildNetworkPolicy(policy, index)] : [],
  );
  return {
    namespaces: new Map(
      namespaceNames.map((name, index) => {
        const labels = { ...blueprint.namespaceLabels[index], 'kubernetes.io/metadata.name': name };
        const namespace: Namespace = { name, labels };
        return [name, namespace];
      }),
    ),
    nodes,
    pods: new Map(pods.map((pod) => [pod.key, pod])),
    services: new Map(),
    endpoints: [],
    networkPolicies: new Map(policies.map((policy) => [policy.key, policy])),
    families: blueprint.families,
  };

  function buildPod(pod: PodBlueprint, families: readonly IpFamily[]): Pod {
    const name = `p${pod.slot}`;
    const own = families
      .filter((family) => pod.families.includes(family) || (families.length === 1 && pod.families.length > 0))
      .map((family) => podAddress(pod.node, pod.slot, family));
    const addresses = {
      ordinary: own,
      hostNetwork: nodes.get(pod.node)?.addresses ?? [],
      terminal: [],
    }[pod.kind];
    return {
      key: `${pod.namespace}/${name}`,
      namespace: pod.namespace,
      name,
      labels: pod.labels,
      node: pod.node,
      addresses,
      hostNetwork: pod.kind === 'hostNetwork',
      phase: pod.kind === 'terminal' ? 'Succeeded' : 'Running',
      ports: pod.ports,
      position: { file: 'pods.yaml', line: pod.slot + 1, column: 1 },
    };
  }
}
