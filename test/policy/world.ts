/**
 * A cluster by hand, for the oracle's tests: pods x/a, x/b, y/a, y/b on node n1 unless a test says otherwise, with
 * policies as YAML, so that defaulting and the lists' dashes are part of what is tested.
 */
import { translatePolicies } from '../../src/dialects/translate.ts';
import type { Address } from '../../src/objects/ip.ts';
import type { Cluster, ContainerPort, Labels, Node, Pod } from '../../src/objects/model.ts';
import { evaluate } from '../../src/policy/evaluate.ts';
import type { Policy } from '../../src/policy/ir.ts';
import { protocolNumbers } from '../../src/policy/verdict.ts';
import type { Verdict } from '../../src/policy/verdict.ts';
import { parseManifests } from '../../src/sources/manifests.ts';
import { address, cidr } from '../generate/universe.ts';

export interface World {
  readonly cluster: Cluster;
  readonly policies: readonly Policy[];
  /** Ends are pod keys or addresses, or `pod key@6` for the pod's IPv6 address; ports as `80/TCP`, `ICMP`. */
  readonly ask: (from: string, to: string, port?: string) => Verdict;
  readonly allows: (from: string, to: string, port?: string) => boolean;
}

export const nodeAddresses = { n1: '10.0.0.1', n2: '10.0.0.2' } as const;

interface WorldOptions {
  readonly pods?: readonly Pod[];
  /** Labels beyond `kubernetes.io/metadata.name`; `ns: <name>` by default. */
  readonly namespaceLabels?: Readonly<Record<string, Labels>>;
}

export function world(policies: string, options: WorldOptions = {}): World {
  const pods = options.pods ?? fourPods;
  const objects = policies === '' ? [] : parseManifests(policies, 'policies.yaml').objects.values();
  const networkPolicies = [...objects].flatMap((object) =>
    object.kind === 'NetworkPolicy' ? [object.policy] : [],
  );
  const namespaces = [...new Set(['x', 'y', ...pods.map(({ namespace }) => namespace)])];
  const cluster: Cluster = {
    namespaces: new Map(
      namespaces.map((name) => {
        const labels = options.namespaceLabels?.[name] ?? { ns: name };
        return [name, { name, labels: { ...labels, 'kubernetes.io/metadata.name': name } }];
      }),
    ),
    nodes: new Map([node('n1', 1), node('n2', 2)].map((one) => [one.name, one])),
    pods: new Map(pods.map((one) => [one.key, one])),
    services: new Map(),
    endpoints: [],
    networkPolicies: new Map(networkPolicies.map((one) => [one.key, one])),
    families: [4, 6],
  };
  const translated = translatePolicies(cluster);
  const ask = (from: string, to: string, port = '80/TCP'): Verdict => {
    const destination = addressOf(cluster, to);
    const [number = '', protocol = ''] = port.split('/');
    const flow = { source: addressOf(cluster, from), destination };
    return protocol === ''
      ? evaluate(cluster, translated, { ...flow, protocol: destination.family === 4 ? 1 : 58, port: 0 })
      : evaluate(cluster, translated, { ...flow, protocol: protocolNumber(protocol), port: Number(number) });
  };
  return { cluster, policies: translated, ask, allows: (...question) => ask(...question).allowed };
}

interface PodOptions extends Partial<Omit<Pod, 'key' | 'namespace' | 'name' | 'addresses' | 'ports'>> {
  /** Last part of its addresses 10.244.1.N and fd00:244:1::N. */
  readonly host: number;
  /** `80/TCP` or `name=80/TCP`. */
  readonly ports?: readonly string[];
}

/** Labelled `pod: <name>` unless told otherwise; hostNetwork and terminal pods get the addresses that they have. */
export function pod(key: string, options: PodOptions): Pod {
  const { host, ports = ['80/TCP', '81/TCP'], ...rest } = options;
  const [namespace = '', name = ''] = key.split('/');
  const running: Pod = {
    key,
    namespace,
    name,
    labels: { pod: name },
    node: 'n1',
    addresses: [address(`10.244.1.${host}`), address(`fd00:244:1::${host}`)],
    hostNetwork: false,
    phase: 'Running',
    ports: ports.map(containerPort),
    position: { file: 'pods.yaml', line: host, column: 1 },
    ...rest,
  };
  if (running.phase === 'Succeeded' || running.phase === 'Failed') return { ...running, addresses: [] };
  return running.hostNetwork
    ? { ...running, addresses: [address(nodeAddresses[running.node === 'n2' ? 'n2' : 'n1'])] }
    : running;
}

const fourPods: readonly Pod[] = ['x/a', 'x/b', 'y/a', 'y/b'].map((key, index) =>
  pod(key, { host: index + 1 }),
);

/** One policy in namespace x, from its `spec` as YAML in any indentation. */
export function policy(spec: string, name = 'p', namespace = 'x'): string {
  const lines = spec.split('\n').filter((line) => line.trim() !== '');
  const indent = Math.min(...lines.map((line) => line.search(/\S/)));
  return [
    '---',
    'apiVersion: networking.k8s.io/v1',
    'kind: NetworkPolicy',
    `metadata: {name: ${name}, namespace: "${namespace}"}`,
    'spec:',
    ...lines.map((line) => `  ${line.slice(indent)}`),
    '',
  ].join('\n');
}

function node(name: 'n1' | 'n2', index: number): Node {
  const addresses = [address(nodeAddresses[name]), address(`fd00::${index}`)];
  const podCIDRs = [cidr(`10.244.${index}.0/24`), cidr(`fd00:244:${index}::/64`)];
  return { name, labels: {}, addresses, podCIDRs };
}

function containerPort(text: string): ContainerPort {
  const [, name, number, protocol] = /^(?:(.+)=)?(\d+)\/(TCP|UDP|SCTP)$/.exec(text) ?? [];
  if (!isProtocol(protocol)) throw new Error(`not a container port: ${text}`);
  return { ...(name ? { name } : {}), containerPort: Number(number), protocol };
}

function protocolNumber(text: string): number {
  if (!isProtocol(text)) throw new Error(`not a protocol: ${text}`);
  return protocolNumbers[text];
}

function isProtocol(text: string | undefined): text is keyof typeof protocolNumbers {
  return text !== undefined && Object.hasOwn(protocolNumbers, text);
}

function addressOf(cluster: Cluster, end: string): Address {
  const [key = '', family = '4'] = end.split('@');
  const held = cluster.pods.get(key)?.addresses.find((candidate) => candidate.family === Number(family));
  return held ?? address(end);
}
