/** What a node holds in the benchmark of verdicts: next to nothing, or all of a big cluster. */
import { Compiler } from '../compiler/compiler.ts';
import { nodeTables } from '../compiler/node-tables.ts';
import type { CidrRow, NodeTables } from '../compiler/tables.ts';
import { translatePolicies } from '../dialects/translate.ts';
import { makeAddress, makeCidr } from '../objects/ip.ts';
import type { Address } from '../objects/ip.ts';
import type { Cluster, NetworkPolicy, Pod } from '../objects/model.ts';
import { Random } from './random.ts';
import { uniformCluster } from './uniform-cluster.ts';
import type { BenchFlow } from './verdict-flows.ts';

const node = 'node-0';
const otherPolicies = 9999;
const otherPods = 100_000;
const cidrs = 1 << 20;
/** Where they are: 16.0.0.0/4, in pieces of 256 addresses. */
const firstCidr = 0x10000000n;

const position = { file: 'generated', line: 1, column: 1 };
const everything = { matchLabels: {}, matchExpressions: [] };
export const client = { 4: makeAddress(4, 0x0afe0001n), 6: makeAddress(6, (0xfd00n << 112n) | 1n) } as const;
export const server = { 4: makeAddress(4, 0x0afe0002n), 6: makeAddress(6, (0xfd00n << 112n) | 2n) } as const;
export const clientPort = 40_000;
export const serverPort = 80;

function pod(name: string, addresses: readonly Address[]): Pod {
  return {
    key: `bench/${name}`,
    namespace: 'bench',
    name,
    labels: { app: name },
    node,
    addresses,
    hostNetwork: false,
    phase: 'Running',
    ports: [],
    position,
  };
}

const anyPod = {
  peers: [{ podSelector: everything, position }],
  ports: [{ protocol: 'TCP', port: serverPort, position }],
  position,
} as const;

/** Isolates client and server in both directions and lets TCP 80 pass between them. */
const policy: NetworkPolicy = {
  key: 'bench/policy',
  namespace: 'bench',
  name: 'policy',
  apiVersion: 'networking.k8s.io/v1',
  podSelector: everything,
  policyTypes: ['Ingress', 'Egress'],
  ingress: [anyPod],
  egress: [anyPod],
  position,
};

const pair = [pod('client', Object.values(client)), pod('server', Object.values(server))];
const namespace = { name: 'bench', labels: {} };

function tablesOf(cluster: Cluster): NodeTables {
  return nodeTables(new Compiler().compile(cluster, translatePolicies(cluster)), node, []);
}

/** Client, server, and their one policy. */
export function smallTables(): NodeTables {
  return tablesOf({
    namespaces: new Map([['bench', namespace]]),
    nodes: new Map([[node, { name: node, labels: {}, addresses: [], podCIDRs: [] }]]),
    pods: new Map(pair.map((one) => [one.key, one])),
    services: new Map(),
    endpoints: [],
    networkPolicies: new Map([[policy.key, policy]]),
    families: [4, 6],
  });
}

/**
 * The same among 9,999 more policies, 100,000 more pods, and 2²⁰ prefixes. All pods are on the one node, so that it
 * holds everything. The prefixes have the identities of the policies' ipBlocks in turn.
 */
export function bigTables(): NodeTables {
  const others = uniformCluster({ policies: otherPolicies, pods: otherPods, namespaces: 1000 });
  const local = others.pods.values().map((other): [string, Pod] => [other.key, { ...other, node }]);
  const tables = tablesOf({
    ...others,
    families: [4, 6],
    namespaces: new Map([...others.namespaces, ['bench', namespace]]),
    pods: new Map([...local, ...pair.map((one): [string, Pod] => [one.key, one])]),
    networkPolicies: new Map([[policy.key, policy], ...others.networkPolicies]),
  });
  const identities = [...tables.cidrs.values()].map(({ identity }) => identity);
  const more = Array.from({ length: cidrs }, (_, index): [string, CidrRow] => {
    const cidr = makeCidr(4, firstCidr + (BigInt(index) << 8n), 24);
    return [cidr.text, { cidr, identity: identities[index % identities.length] ?? 0 }];
  });
  return { ...tables, cidrs: new Map([...tables.cidrs, ...more]) };
}

const ports = [80, 443, 5432, 6379, 8080, 8443, 9090, 9092] as const;

/** So many different flows of a big cluster's pods, to each other or to what the prefixes hold, that may pass. */
export function flowsOf(options: {
  count: number;
  to: 'pods' | 'prefixes';
  tables: NodeTables;
  allowed: (flow: BenchFlow) => boolean;
}): BenchFlow[] {
  const { count, to, tables, allowed } = options;
  const random = new Random(1);
  const pods = [...tables.addresses.values()]
    .filter(({ address, value }) => address.family === 4 && value.role === 'local-pod')
    .map(({ address }) => address);
  const outside = (): Address =>
    makeAddress(4, firstCidr + (BigInt(random.below(cidrs)) << 8n) + BigInt(random.below(256)));
  const flows = new Map<string, BenchFlow>();
  while (flows.size < count) {
    const flow = {
      source: random.pick(pods),
      destination: to === 'pods' ? random.pick(pods) : outside(),
      sourcePort: clientPort,
      port: random.pick(ports),
    };
    if (allowed(flow)) flows.set(`${flow.source.text} ${flow.destination.text} ${flow.port}`, flow);
  }
  return [...flows.values()];
}
