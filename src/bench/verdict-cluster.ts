/** What a node holds in the benchmark of verdicts, and flows of its pods. */
import { Compiler } from '../compiler/compiler.ts';
import { nodeTables } from '../compiler/node-tables.ts';
import type { CidrRow, NodeTables } from '../compiler/tables.ts';
import { translatePolicies } from '../dialects/translate.ts';
import { makeAddress, makeCidr } from '../objects/ip.ts';
import type { Address } from '../objects/ip.ts';
import type { Cluster, NetworkPolicy, NetworkPolicyPeer, Pod } from '../objects/model.ts';
import { Random } from './random.ts';
import { uniformCluster } from './uniform-cluster.ts';
import type { BenchFlow } from './verdict-flows.ts';

const node = 'node-0';
const podsOfNode = 200;
const cidrs = 1 << 20;
/** Where they are: 16.0.0.0/4, in pieces of 256 addresses. */
const firstCidr = 0x10000000n;

const position = { file: 'generated', line: 1, column: 1 };
const everything = { matchLabels: {}, matchExpressions: [] };
const client = [makeAddress(4, 0x0afe0001n), makeAddress(6, (0xfd00n << 112n) | 1n)];
const server = [makeAddress(4, 0x0afe0002n), makeAddress(6, (0xfd00n << 112n) | 2n)];
const clientPort = 40_000;
const serverPort = 80;
const ports = [80, 443, 5432, 6379, 8080, 8443, 9090, 9092] as const;

/** From the client to the server. */
export function flowOf(family: 4 | 6): BenchFlow {
  const end = (addresses: readonly Address[]): Address => {
    const own = addresses.find((address) => address.family === family);
    if (!own) throw new Error('no address');
    return own;
  };
  return { source: end(client), destination: end(server), sourcePort: clientPort, port: serverPort };
}

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

/** Isolates the pods of a namespace in both directions and lets some TCP ports pass, from and to `peers`; none: any, anybody. */
function policy(peers: readonly NetworkPolicyPeer[], numbers: readonly number[]): NetworkPolicy {
  const rule = {
    peers,
    ports: numbers.map((port) => ({ protocol: 'TCP', port, position }) as const),
    position,
  };
  return {
    key: 'bench/policy',
    namespace: 'bench',
    name: 'policy',
    apiVersion: 'networking.k8s.io/v1',
    podSelector: everything,
    policyTypes: ['Ingress', 'Egress'],
    ingress: [rule],
    egress: [rule],
    position,
  };
}

const anyPod: NetworkPolicyPeer = { podSelector: everything, position };
const pair = [pod('client', client), pod('server', server)];
const namespace = { name: 'bench', labels: {} };

function tablesOf(cluster: Cluster): NodeTables {
  return nodeTables(new Compiler().compile(cluster, translatePolicies(cluster)), node, []);
}

function smallCluster(pods: readonly Pod[], only: NetworkPolicy): Cluster {
  return {
    namespaces: new Map([['bench', namespace]]),
    nodes: new Map([[node, { name: node, labels: {}, addresses: [], podCIDRs: [] }]]),
    pods: new Map(pods.map((one) => [one.key, one])),
    services: new Map(),
    endpoints: [],
    networkPolicies: new Map([[only.key, only]]),
    families: [4, 6],
  };
}

/** Client, server, and their one policy. */
export function pairTables(): NodeTables {
  return tablesOf(smallCluster(pair, policy([anyPod], [serverPort])));
}

/**
 * A node of 200 pods: in a cluster of 10,000 policies, 100,000 pods and 2²⁰ prefixes, and in those that have one policy and no more.
 * Of the big one's classes most have one entry; that of `small` has eight ports, of which all flows have one, that of `least` says
 * of every packet the same.
 */
export function nodeOfClusters(): Record<'big' | 'small' | 'least', NodeTables> {
  const cluster = uniformCluster({ policies: 10_000, pods: 100_000, namespaces: 1000 });
  const pods = [...cluster.pods.values()].map((one, index) => (index < podsOfNode ? { ...one, node } : one));
  const big = tablesOf({ ...cluster, pods: new Map(pods.map((one) => [one.key, one])) });
  const own = pods
    .slice(0, podsOfNode)
    .map(({ name, addresses }, index) => pod(`${name}-${index}`, addresses));
  const onePolicy = (numbers: readonly number[]): NodeTables =>
    tablesOf(smallCluster(own, policy([], numbers)));
  return { big: withPrefixes(big), small: onePolicy(ports), least: onePolicy([]) };
}

/** All of that cluster's pods on the one node, more than any has, with those of pairTables. */
export function everythingOnOneNode(): NodeTables {
  const others = uniformCluster({ policies: 9999, pods: 100_000, namespaces: 1000 });
  const local = others.pods.values().map((other): [string, Pod] => [other.key, { ...other, node }]);
  const own = policy([anyPod], [serverPort]);
  const tables = tablesOf({
    ...others,
    families: [4, 6],
    namespaces: new Map([...others.namespaces, ['bench', namespace]]),
    pods: new Map([...local, ...pair.map((one): [string, Pod] => [one.key, one])]),
    networkPolicies: new Map([[own.key, own], ...others.networkPolicies]),
  });
  return withPrefixes(tables);
}

/** With 2²⁰ prefixes more, which have the identities of the others in turn. */
function withPrefixes(tables: NodeTables): NodeTables {
  const identities = [...new Set([...tables.cidrs.values()].map(({ identity }) => identity))];
  const more = Array.from({ length: cidrs }, (_, index): [string, CidrRow] => {
    const cidr = makeCidr(4, firstCidr + (BigInt(index) << 8n), 24);
    return [cidr.text, { cidr, identity: identities[index % identities.length] ?? 0 }];
  });
  return { ...tables, cidrs: new Map([...tables.cidrs, ...more]) };
}

/**
 * So many different flows that may pass between pods of the node and what `to` says: each other, addresses of the whole
 * cluster, or what the prefixes hold. `isolated`: a rule decides. Those beyond the first `drawn`, since to find them takes long, are
 * like one of them, with another peer of the same identity.
 */
export function flowsOf(options: {
  count: number;
  drawn?: number;
  to: 'local pods' | 'pods' | 'prefixes';
  tables: NodeTables;
  isolated: boolean;
  allowed: (flow: BenchFlow) => boolean;
}): BenchFlow[] {
  const { count, drawn = count, to, tables, isolated, allowed } = options;
  const random = new Random(1);
  const rows = [...tables.addresses.values()].filter(({ address }) => address.family === 4);
  const local = rows.filter(({ value }) => value.role === 'local-pod');
  const [senders, receivers] = (['egressSet', 'ingressSet'] as const).map((set) =>
    local.filter(({ value }) => !isolated || value[set] !== 0).map(({ address }) => address),
  );
  if (!senders || !receivers) throw new Error('no pods');
  const peers = (to === 'pods' ? rows : local).map(({ address }) => address);
  const peer = (): Address =>
    to === 'prefixes'
      ? makeAddress(4, firstCidr + (BigInt(random.below(cidrs)) << 8n) + BigInt(random.below(256)))
      : random.pick(peers);
  const draw = (): BenchFlow => {
    const ends =
      random.below(2) === 0
        ? { source: random.pick(senders), destination: peer() }
        : { source: peer(), destination: random.pick(receivers) };
    return { ...ends, sourcePort: clientPort, port: random.pick(ports) };
  };
  const flows = new Map<string, BenchFlow>();
  const add = (flow: BenchFlow): void => {
    if (allowed(flow)) flows.set(`${flow.source.text} ${flow.destination.text} ${flow.port}`, flow);
  };
  while (flows.size < Math.min(drawn, count)) add(draw());
  const first = [...flows.values()];
  const like = flows.size < count ? othersLike(tables, random) : draw;
  while (flows.size < count) add(like(random.pick(first)));
  return [...flows.values()];
}

/** The flow of another peer that has the same identity, if the peer is not on this node. */
function othersLike(tables: NodeTables, random: Random): (flow: BenchFlow) => BenchFlow {
  const remote = [...tables.addresses.values()].filter(({ value }) => value.role === 'remote');
  const pods = Map.groupBy(remote, ({ value }) => value.identity);
  const prefixes = Map.groupBy(tables.cidrs.values(), ({ identity }) => identity);
  const other = (address: Address): Address => {
    const value = tables.addresses.get(address.text)?.value;
    if (value) return value.role === 'remote' ? random.pick(pods.get(value.identity) ?? []).address : address;
    const held = tables.cidrs.get(makeCidr(4, address.bits, 24).text);
    if (!held) throw new Error('a peer that nothing holds');
    const { cidr } = random.pick(prefixes.get(held.identity) ?? []);
    return makeAddress(4, cidr.bits + BigInt(random.below(256)));
  };
  return (flow) => ({ ...flow, source: other(flow.source), destination: other(flow.destination) });
}
