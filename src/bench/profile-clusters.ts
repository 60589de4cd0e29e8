/** Clusters of different shapes, each hard in a way of its own. Deterministic. */
import { makeCidr } from '../objects/ip.ts';
import type { Cluster, LabelSelector, NetworkPolicy, NetworkPolicyPeer } from '../objects/model.ts';
import { Random } from './random.ts';
import { uniformCluster } from './uniform-cluster.ts';

export const profiles = {
  lab: () => uniformCluster({ policies: 20, pods: 100, namespaces: 2 }),
  uniform: () => uniformCluster({ policies: 10_000, pods: 100_000, namespaces: 1000 }),
  'uniform-small': () => uniformCluster({ policies: 1000, pods: 10_000, namespaces: 100 }),
  'ovn-kubernetes': ovnKubernetes,
  'giant-selector': giantSelector,
  'high-cardinality': highCardinality,
  'million-cidrs': millionCidrs,
} as const satisfies Readonly<Record<string, () => Cluster>>;

export type ProfileName = keyof typeof profiles;

const position = { file: 'generated', line: 1, column: 1 };

interface PolicySketch {
  readonly namespace: number;
  readonly name: string;
  readonly podSelector: LabelSelector;
  readonly peers: readonly NetworkPolicyPeer[];
  readonly ports: readonly number[];
}

function ingressPolicy({ namespace, name, podSelector, peers, ports }: PolicySketch): NetworkPolicy {
  const rule = {
    peers,
    ports: ports.map((port) => ({ protocol: 'TCP', port, position }) as const),
    position,
  };
  return {
    key: `ns-${namespace}/${name}`,
    namespace: `ns-${namespace}`,
    name,
    apiVersion: 'networking.k8s.io/v1',
    podSelector,
    policyTypes: ['Ingress'],
    ingress: [rule],
    egress: [],
    position,
  };
}

function labelled(key: string, value: string): LabelSelector {
  return { matchLabels: { [key]: value }, matchExpressions: [] };
}

function withPolicies(cluster: Cluster, policies: readonly NetworkPolicy[]): Cluster {
  return { ...cluster, networkPolicies: new Map(policies.map((policy) => [policy.key, policy])) };
}

/** The production cluster of npinaeva/k8s-netpol-scale: 5,413 pods, 604 namespaces, 13,678 policies, 15,423 peers. */
function ovnKubernetes(): Cluster {
  const [namespaces, wanted, peers] = [604, 13_678, 15_423];
  const random = new Random(2);
  const app = () => labelled('app', `app-${random.below(10)}`);
  const peer = (): NetworkPolicyPeer =>
    random.weighted<NetworkPolicyPeer>([
      [5, { podSelector: app(), position }],
      [
        3,
        {
          namespaceSelector: labelled('kubernetes.io/metadata.name', `ns-${random.below(namespaces)}`),
          position,
        },
      ],
      [
        2,
        {
          ipBlock: { cidr: makeCidr(4, BigInt(random.below(2 ** 16)) << 16n, 24), except: [], position },
          position,
        },
      ],
    ]);
  const policies = Array.from({ length: wanted }, (_, index) =>
    ingressPolicy({
      namespace: index % namespaces,
      name: `policy-${Math.floor(index / namespaces)}`,
      podSelector: app(),
      peers: Array.from({ length: index < peers - wanted ? 2 : 1 }, peer),
      ports: [8080, 9090].slice(0, random.below(3)),
    }),
  );
  return withPolicies(uniformCluster({ policies: 0, pods: 5413, namespaces }), policies);
}

/** In every namespace one policy that selects everything and lets all pods everywhere in. */
function giantSelector(): Cluster {
  const everything = { matchLabels: {}, matchExpressions: [] };
  const policies = Array.from({ length: 1000 }, (_, namespace) =>
    ingressPolicy({
      namespace,
      name: 'all',
      podSelector: everything,
      peers: [{ namespaceSelector: everything, position }],
      ports: [8080],
    }),
  );
  return withPolicies(uniformCluster({ policies: 0, pods: 100_000, namespaces: 1000 }), policies);
}

/** A policy between two single pods each, told apart by labels that no other pod has. */
function highCardinality(): Cluster {
  const cluster = uniformCluster({ policies: 0, pods: 100_000, namespaces: 1000 });
  const label = 'statefulset.kubernetes.io/pod-name';
  const policies = Array.from({ length: 10_000 }, (_, index) => {
    const nth = Math.floor(index / 1000);
    return ingressPolicy({
      namespace: index % 1000,
      name: `policy-${nth}`,
      podSelector: labelled(label, `app-${nth}-${nth}`),
      peers: [{ podSelector: labelled(label, `app-${nth}-${nth + 10}`), position }],
      ports: [8080],
    });
  });
  return withPolicies(cluster, policies);
}

/** A thousand policies with a thousand /28 each, one in every namespace. */
function millionCidrs(): Cluster {
  const policies = Array.from({ length: 1000 }, (_, namespace) =>
    ingressPolicy({
      namespace,
      name: 'outside',
      podSelector: labelled('app', 'app-0'),
      peers: Array.from({ length: 1000 }, (__, index) => {
        const bits = 0x40000000n + (BigInt(namespace * 1000 + index) << 4n);
        return { ipBlock: { cidr: makeCidr(4, bits, 28), except: [], position }, position };
      }),
      ports: [443],
    }),
  );
  return withPolicies(uniformCluster({ policies: 0, pods: 10_000, namespaces: 1000 }), policies);
}
