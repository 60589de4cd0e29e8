/**
 * A cluster of any size whose namespaces are all alike, for benchmarks: ten apps in each, labels as charts set them
 * (of which selectors mention a few), and policies as people write them. Deterministic.
 */
import { makeAddress, makeCidr } from '../objects/ip.ts';
import type {
  Cluster,
  IPBlock,
  LabelSelector,
  Labels,
  Namespace,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
  NetworkPolicyRule,
  Node,
  Pod,
} from '../objects/model.ts';
import { Random } from './random.ts';

export interface ClusterSize {
  readonly policies: number;
  readonly pods: number;
  readonly namespaces: number;
}

const appsPerNamespace = 10;
const namespacesPerTeam = 10;
const podsPerNode = 100;
const position = { file: 'generated', line: 1, column: 1 };

/** Pods, policies and namespaces are spread evenly; 100 pods to a node. */
export function uniformCluster(size: ClusterSize): Cluster {
  const random = new Random(1);
  const policies = Array.from({ length: size.policies }, (_, index) => makePolicy(index, size, random));
  const pods = Array.from({ length: size.pods }, (_, index) => makePod(index, size));
  const nodes = Array.from({ length: Math.ceil(size.pods / podsPerNode) }, (_, index) => makeNode(index));
  const namespaces = Array.from({ length: size.namespaces }, (_, index) => makeNamespace(index));
  return {
    namespaces: new Map(namespaces.map((namespace) => [namespace.name, namespace])),
    nodes: new Map(nodes.map((node) => [node.name, node])),
    pods: new Map(pods.map((pod) => [pod.key, pod])),
    services: new Map(),
    endpoints: [],
    networkPolicies: new Map(policies.map((policy) => [policy.key, policy])),
    families: [4],
  };
}

function namespaceName(index: number): string {
  return `ns-${index}`;
}

function makeNamespace(index: number): Namespace {
  const name = namespaceName(index);
  const team = `team-${Math.floor(index / namespacesPerTeam)}`;
  return { name, labels: { 'kubernetes.io/metadata.name': name, team } };
}

function makeNode(index: number): Node {
  const address = makeAddress(4, 0xac100000n + BigInt(index));
  const podCIDR = makeCidr(4, 0x0a000000n + BigInt(index) * 256n, 24);
  return { name: `node-${index}`, labels: {}, addresses: [address], podCIDRs: [podCIDR] };
}

const tiers = ['frontend', 'backend', 'data'] as const;

function makePod(index: number, size: ClusterSize): Pod {
  const namespace = namespaceName(index % size.namespaces);
  const nth = Math.floor(index / size.namespaces);
  const app = nth % appsPerNamespace;
  const name = `app-${app}-${nth}`;
  const node = Math.floor(index / podsPerNode);
  return {
    key: `${namespace}/${name}`,
    namespace,
    name,
    labels: {
      app: `app-${app}`,
      tier: tiers[app % tiers.length] ?? '',
      'app.kubernetes.io/instance': namespace,
      'pod-template-hash': `${(index % size.namespaces) * 31 + app}`,
      'statefulset.kubernetes.io/pod-name': name,
    },
    node: `node-${node}`,
    addresses: [makeAddress(4, 0x0a000000n + BigInt(node) * 256n + BigInt(index % podsPerNode) + 1n)],
    hostNetwork: false,
    phase: 'Running',
    ports: [
      { name: 'http', containerPort: 8080 + (app % 3), protocol: 'TCP' },
      { name: 'metrics', containerPort: 9090, protocol: 'TCP' },
    ],
    position,
  };
}

function selector(matchLabels: Labels): LabelSelector {
  return { matchLabels, matchExpressions: [] };
}

function anyApp(random: Random): LabelSelector {
  return selector({ app: `app-${random.below(appsPerNamespace)}` });
}

function makePolicy(index: number, size: ClusterSize, random: Random): NetworkPolicy {
  const namespace = namespaceName(index % size.namespaces);
  const name = `policy-${Math.floor(index / size.namespaces)}`;
  const types = random.weighted<NetworkPolicy['policyTypes']>([
    [6, ['Ingress']],
    [2, ['Egress']],
    [2, ['Ingress', 'Egress']],
  ]);
  const rules = () => random.times(1, 3, () => makeRule(size, random));
  return {
    key: `${namespace}/${name}`,
    namespace,
    name,
    apiVersion: 'networking.k8s.io/v1',
    podSelector: random.weighted([
      [8, anyApp(random)],
      [1, selector({ tier: random.pick(tiers) })],
      [1, selector({})],
    ]),
    policyTypes: types,
    ingress: types.includes('Ingress') ? rules() : [],
    egress: types.includes('Egress') ? rules() : [],
    position,
  };
}

function makeRule(size: ClusterSize, random: Random): NetworkPolicyRule {
  return {
    peers: random.times(1, 3, () => makePeer(size, random)),
    ports: random.times(0, 3, () => makePort(random)),
    position,
  };
}

function makePeer(size: ClusterSize, random: Random): NetworkPolicyPeer {
  const namespace = random.below(size.namespaces);
  const namespaceSelector = random.weighted([
    [2, selector({ 'kubernetes.io/metadata.name': namespaceName(namespace) })],
    [1, selector({ team: `team-${Math.floor(namespace / namespacesPerTeam)}` })],
  ]);
  return random.weighted<NetworkPolicyPeer>([
    [40, { podSelector: anyApp(random), position }],
    [20, { namespaceSelector, position }],
    [25, { namespaceSelector, podSelector: anyApp(random), position }],
    [15, { ipBlock: makeBlock(random), position }],
  ]);
}

/** One of 4096 outside /20s, half of them with a /24 taken out. */
function makeBlock(random: Random): IPBlock {
  const bits = 0xc0000000n + (BigInt(random.below(4096)) << 12n);
  const except = random.below(2) === 0 ? [] : [makeCidr(4, bits + BigInt(random.below(16) << 8), 24)];
  return { cidr: makeCidr(4, bits, 20), except, position };
}

const numbers = [80, 443, 5432, 6379, 8080, 8443, 9090, 9092] as const;

function makePort(random: Random): NetworkPolicyPort {
  return random.weighted<NetworkPolicyPort>([
    [8, { protocol: 'TCP', port: random.pick(numbers), position }],
    [1, { protocol: 'TCP', port: random.pick(['http', 'metrics']), position }],
    [1, { protocol: random.pick(['TCP', 'UDP']), port: 30000, endPort: 32767, position }],
  ]);
}
