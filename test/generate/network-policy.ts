/** NetworkPolicies as validation would let them through: all selector forms, blocks with excepts, all port forms. */
import * as fc from 'fast-check';
import { cidrContainsCidr } from '../../src/objects/ip.ts';
import type {
  LabelSelector,
  LabelSelectorRequirement,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
  NetworkPolicyRule,
  Protocol,
} from '../../src/objects/model.ts';
import { blocks, labelKeys, labelValues, namespaceNames, portNames, portNumbers } from './universe.ts';

type Placeless<T> = Omit<T, 'position'>;

export interface RuleBlueprint {
  readonly peers: readonly Placeless<NetworkPolicyPeer>[];
  readonly ports: readonly Placeless<NetworkPolicyPort>[];
}

/** Everything but names and positions, which `buildNetworkPolicy` numbers. */
export interface PolicyBlueprint {
  readonly namespace: string;
  readonly podSelector: LabelSelector;
  readonly policyTypes: NetworkPolicy['policyTypes'];
  readonly ingress: readonly RuleBlueprint[];
  readonly egress: readonly RuleBlueprint[];
}

/** Mostly the first, so that policies meet pods. */
export const arbitraryNamespaceName = fc.constantFrom('a', 'a', ...namespaceNames);

const arbitraryRequirement: fc.Arbitrary<LabelSelectorRequirement> = fc.oneof(
  fc.record({
    key: fc.constantFrom(...labelKeys),
    operator: fc.constantFrom('In', 'NotIn'),
    values: fc.uniqueArray(fc.constantFrom(...labelValues), { minLength: 1, maxLength: 2 }),
  }),
  fc.record({
    key: fc.constantFrom(...labelKeys),
    operator: fc.constantFrom('Exists', 'DoesNotExist'),
    values: fc.constant([]),
  }),
);

const arbitraryAnySelector: fc.Arbitrary<LabelSelector> = fc.record({
  matchLabels: fc.dictionary(fc.constantFrom(...labelKeys), fc.constantFrom(...labelValues), {
    maxKeys: 2,
    noNullPrototype: true,
  }),
  matchExpressions: fc.array(arbitraryRequirement, { maxLength: 2 }),
});

/** Mostly empty (which selects everything) or of one term, so that most policies select somebody. */
export const arbitrarySelector: fc.Arbitrary<LabelSelector> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ matchLabels: {}, matchExpressions: [] }) },
  {
    weight: 3,
    arbitrary: arbitraryRequirement.map((requirement) => ({
      matchLabels: {},
      matchExpressions: [requirement],
    })),
  },
  { weight: 2, arbitrary: arbitraryAnySelector },
);

const arbitraryNamespaceSelector: fc.Arbitrary<LabelSelector> = fc.oneof(
  arbitrarySelector,
  fc.constantFrom(...namespaceNames).map((name) => ({
    matchLabels: { 'kubernetes.io/metadata.name': name },
    matchExpressions: [],
  })),
);

/** Excepts lie strictly inside their block, as validation demands, and may overlap each other. */
const arbitraryBlock: fc.Arbitrary<Placeless<NetworkPolicyPeer>> = fc
  .tuple(fc.constantFrom(...blocks), fc.array(fc.nat(), { maxLength: 2 }))
  .map(([block, picks]) => {
    const inside = blocks.filter(
      (inner) => cidrContainsCidr(block, inner) && inner.prefixLength > block.prefixLength,
    );
    const except = picks.flatMap((pick) => inside[pick % inside.length] ?? []);
    const position = { file: 'policies.yaml', line: 1, column: 1 };
    return { ipBlock: { cidr: block, except, position } };
  });

const arbitraryPeer: fc.Arbitrary<Placeless<NetworkPolicyPeer>> = fc.oneof(
  arbitrarySelector.map((podSelector) => ({ podSelector })),
  arbitraryNamespaceSelector.map((namespaceSelector) => ({ namespaceSelector })),
  fc.record({ podSelector: arbitrarySelector, namespaceSelector: arbitraryNamespaceSelector }),
  arbitraryBlock,
);

const arbitraryProtocol = fc.constantFrom<Protocol>('TCP', 'UDP', 'SCTP');

const arbitraryPort: fc.Arbitrary<Placeless<NetworkPolicyPort>> = fc.oneof(
  fc.record({ protocol: arbitraryProtocol, port: fc.constantFrom(...portNumbers) }),
  fc.record({ protocol: arbitraryProtocol, port: fc.constantFrom(...portNames) }),
  fc.record({ protocol: arbitraryProtocol }),
  // Ranges that start or end beside a popular number, touch each other, or are one port wide.
  fc
    .tuple(arbitraryProtocol, fc.constantFrom(...portNumbers), fc.constantFrom(0, 1, 2, 1000, 65535))
    .map(([protocol, port, width]) => ({ protocol, port, endPort: Math.min(65535, port + width) })),
);

const arbitraryRule: fc.Arbitrary<RuleBlueprint> = fc.record({
  peers: fc.array(arbitraryPeer, { maxLength: 3, size: 'max' }),
  ports: fc.array(arbitraryPort, { maxLength: 3, size: 'max' }),
});

export const arbitraryNetworkPolicy: fc.Arbitrary<PolicyBlueprint> = fc.record({
  namespace: arbitraryNamespaceName,
  podSelector: arbitrarySelector,
  policyTypes: fc.constantFrom<NetworkPolicy['policyTypes']>(['Ingress'], ['Egress'], ['Ingress', 'Egress']),
  ingress: fc.array(arbitraryRule, { maxLength: 2, size: 'max' }),
  egress: fc.array(arbitraryRule, { maxLength: 2, size: 'max' }),
});

/** Every rule, peer and port gets a line of its own. */
export function buildNetworkPolicy(blueprint: PolicyBlueprint, index: number): NetworkPolicy {
  const name = `np${index}`;
  let line = index * 100;
  const place = <T>(part: T) => ({ ...part, position: { file: 'policies.yaml', line: ++line, column: 1 } });
  const buildRule = (rule: RuleBlueprint): NetworkPolicyRule => ({
    ...place({}),
    peers: rule.peers.map(place),
    ports: rule.ports.map(place),
  });
  return {
    ...place(blueprint),
    key: `${blueprint.namespace}/${name}`,
    name,
    apiVersion: 'networking.k8s.io/v1',
    ingress: blueprint.ingress.map(buildRule),
    egress: blueprint.egress.map(buildRule),
  };
}
