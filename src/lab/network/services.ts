/**
 * What kube-proxy would do on a node, as one nftables ruleset: destination NAT from ClusterIPs and NodePorts to a
 * random backend, masquerading where the reply must come back through this node, and a refusal where nobody
 * listens. Modelled on kube-proxy's nftables mode (pkg/proxy/nftables/proxier.go). Pure text.
 */
import type { IpFamily } from '../../objects/ip.ts';
import type { Backend, Cluster, Node, ServicePort } from '../../objects/model.ts';
import { bounded } from './names.ts';

const table = 'bulkhead-lab-services';

/** Marks packets on their way to POSTROUTING; the bit that kube-proxy uses, too. */
const masqueradeMark = '0x4000';

/** The kernel's limit for names of chains is 128 bytes. */
const longestChainName = 120;

/** Replaces the table as a whole, in one transaction, when loaded. Endpoints must be in a stable order. */
export function serviceRules(cluster: Cluster, node: Node): string {
  const views = ([4, 6] as const).map((family) => familyView(family, cluster, node));
  return [
    `table inet ${table}`,
    `delete table inet ${table}`,
    `table inet ${table} {`,
    ...views.flatMap(sets),
    ...views.flatMap(({ ip, ports }) => ports.filter(hasBackends).flatMap((port) => backendChains(ip, port))),
    ...chain('services', views.flatMap(serviceLookup)),
    // kube-proxy sends an ICMP error for TCP, too; a client whose connect() is still under way may miss that until it
    // sends the SYN again a second later.
    ...chain('refuse', ['meta l4proto tcp reject with tcp reset', 'reject']),
    ...chain('unserved', views.flatMap(unservedLookup)),
    ...baseChain('nat-prerouting', { type: 'nat', hook: 'prerouting', priority: 'dstnat' }, [
      'goto services',
    ]),
    ...baseChain('nat-output', { type: 'nat', hook: 'output', priority: '-100' }, ['goto services']),
    ...baseChain('nat-postrouting', { type: 'nat', hook: 'postrouting', priority: 'srcnat' }, [
      `meta mark & ${masqueradeMark} == ${masqueradeMark} meta mark set meta mark ^ ${masqueradeMark} masquerade`,
      ...views.map(({ ip }) => `ct status dnat ${ip} saddr . ${ip} daddr @hairpin-${ip} masquerade`),
    ]),
    // After destination NAT: what still goes to a Service has no backend.
    ...(['input', 'forward', 'output'] as const).flatMap((hook) =>
      baseChain(`filter-${hook}`, { type: 'filter', hook, priority: '-90' }, ['ct state new goto unserved']),
    ),
    '}',
    '',
  ].join('\n');
}

/** What one family of one node has to do. */
interface FamilyView {
  readonly ip: 'ip' | 'ip6';
  readonly type: 'ipv4_addr' | 'ipv6_addr';
  readonly nodeAddresses: readonly string[];
  readonly ports: readonly PortView[];
}

interface PortView {
  readonly chain: string;
  readonly clusterIPs: readonly string[];
  /** `tcp . 80`, as keys of sets end. */
  readonly port: string;
  readonly nodePort?: string;
  readonly protocol: string;
  readonly backends: readonly Backend[];
}

function familyView(family: IpFamily, cluster: Cluster, node: Node): FamilyView {
  const endpoints = new Map(
    cluster.endpoints.map((entry) => [portKey(entry.service, entry.port), entry.backends]),
  );
  const ip = family === 4 ? 'ip' : 'ip6';
  const ports = [...cluster.services.values()].flatMap((service) => {
    const clusterIPs = service.clusterIPs.filter((address) => address.family === family);
    if (clusterIPs.length === 0) return [];
    return service.ports.map((port): PortView => {
      const protocol = port.protocol.toLowerCase();
      return {
        chain: bounded(`${ip}/${service.key}/${protocol}/${port.port}`, longestChainName),
        clusterIPs: clusterIPs.map((address) => address.text),
        port: `${protocol} . ${port.port}`,
        ...(port.nodePort === undefined ? {} : { nodePort: `${protocol} . ${port.nodePort}` }),
        protocol,
        backends: (endpoints.get(portKey(service.key, port)) ?? []).filter(
          ({ address }) => address.family === family,
        ),
      };
    });
  });
  const nodeAddresses = node.addresses.filter((address) => address.family === family).map(({ text }) => text);
  return { ip, type: family === 4 ? 'ipv4_addr' : 'ipv6_addr', nodeAddresses, ports };
}

/** Protocol and port are unique in a Service. */
function portKey(service: string, port: ServicePort): string {
  return `${service} ${port.protocol} ${port.port}`;
}

function sets({ ip, type, nodeAddresses, ports }: FamilyView): string[] {
  const served = ports.filter(hasBackends);
  const unserved = ports.filter((port) => !hasBackends(port));
  const backendAddresses = ports.flatMap(({ backends }) => backends.map(({ address }) => address.text));
  return [
    ...collection(
      `map services-${ip} { type ${type} . inet_proto . inet_service : verdict;`,
      served.flatMap(({ chain: name, clusterIPs, port }) =>
        clusterIPs.map((address) => `${address} . ${port} : goto ${name}`),
      ),
    ),
    ...collection(
      `map node-ports-${ip} { type inet_proto . inet_service : verdict;`,
      served.flatMap(({ chain: name, nodePort }) => (nodePort ? `${nodePort} : goto external/${name}` : [])),
    ),
    ...collection(
      `set unserved-node-ports-${ip} { type inet_proto . inet_service;`,
      unserved.flatMap(({ nodePort }) => nodePort ?? []),
    ),
    ...collection(
      `set cluster-ips-${ip} { type ${type};`,
      ports.flatMap(({ clusterIPs }) => clusterIPs),
    ),
    ...collection(`set node-addresses-${ip} { type ${type};`, nodeAddresses),
    ...collection(
      `set hairpin-${ip} { type ${type} . ${type};`,
      backendAddresses.map((address) => `${address} . ${address}`),
    ),
  ];
}

function hasBackends(port: PortView): boolean {
  return port.backends.length > 0;
}

function backendChains(ip: 'ip' | 'ip6', { chain: name, protocol, nodePort, backends }: PortView): string[] {
  const choices = backends.map(({ address, port }, index) => `${index} : ${address.text} . ${port}`);
  return [
    ...chain(name, [
      `meta l4proto ${protocol} dnat ${ip} to numgen random mod ${backends.length} map { ${choices.join(', ')} }`,
    ]),
    // Traffic from outside may go on to another node: its replies must come back through this one.
    ...(nodePort
      ? chain(`external/${name}`, [`meta mark set meta mark | ${masqueradeMark}`, `goto ${name}`])
      : []),
  ];
}

function serviceLookup({ ip }: FamilyView): string[] {
  return [
    `${ip} daddr . meta l4proto . th dport vmap @services-${ip}`,
    `${ip} daddr @node-addresses-${ip} meta l4proto . th dport vmap @node-ports-${ip}`,
  ];
}

/** ClusterIPs refuse ports that no Service has, too, as with kube-proxy. */
function unservedLookup({ ip }: FamilyView): string[] {
  return [
    `${ip} daddr @cluster-ips-${ip} goto refuse`,
    `${ip} daddr @node-addresses-${ip} meta l4proto . th dport @unserved-node-ports-${ip} goto refuse`,
  ];
}

function collection(head: string, elements: readonly string[]): string[] {
  const unique = [...new Set(elements)];
  return unique.length === 0 ? [`${head} }`] : [`${head} elements = {`, unique.join(',\n'), '} }'];
}

function chain(name: string, rules: readonly string[]): string[] {
  return [`chain ${name} {`, ...rules, '}'];
}

interface Hook {
  readonly type: 'nat' | 'filter';
  readonly hook: 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting';
  readonly priority: string;
}

function baseChain(name: string, { type, hook, priority }: Hook, rules: readonly string[]): string[] {
  return chain(name, [`type ${type} hook ${hook} priority ${priority}; policy accept;`, ...rules]);
}
