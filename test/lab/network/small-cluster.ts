/** Clusters for the tests of the lab's network, written by hand: nothing here depends on how manifests are read. */
import { parseAddress, type Address, type IpFamily } from '../../../src/objects/ip.ts';
import type {
  Cluster,
  Node,
  Pod,
  Service,
  ServiceEndpoints,
  ServicePort,
} from '../../../src/objects/model.ts';

const position = { file: 'test.yaml', line: 1, column: 1 };

export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (!parsed) throw new Error(`${text} is no address`);
  return parsed;
}

export function node(name: string, ...addresses: string[]): Node {
  return { name, labels: {}, addresses: addresses.map(address), podCIDRs: [], position };
}

export function pod(key: string, on: string, ...addresses: string[]): Pod {
  const [namespace = '', name = ''] = key.split('/');
  return {
    key,
    namespace,
    name,
    labels: {},
    node: on,
    addresses: addresses.map(address),
    hostNetwork: false,
    phase: 'Running',
    ports: [],
    position,
  };
}

export function service(
  key: string,
  clusterIPs: readonly string[],
  ports: readonly ServicePort[],
  rest: Partial<Service> = {},
): Service {
  const [namespace = '', name = ''] = key.split('/');
  return {
    key,
    namespace,
    name,
    type: 'ClusterIP',
    clusterIPs: clusterIPs.map(address),
    headless: false,
    ports,
    position,
    ...rest,
  };
}

/** Endpoints of all ports of a Service; backends as `namespace/pod` on the port's numeric target port. */
export function endpoints(of: Service, pods: readonly Pod[]): ServiceEndpoints[] {
  return of.ports.map((port) => ({
    service: of.key,
    port,
    backends: pods.flatMap((backend) =>
      backend.addresses.map((at) => ({ address: at, port: Number(port.targetPort), pod: backend.key })),
    ),
  }));
}

export function cluster(parts: {
  readonly nodes: readonly Node[];
  readonly pods: readonly Pod[];
  readonly services?: readonly Service[];
  readonly endpoints?: readonly ServiceEndpoints[];
  readonly families?: readonly IpFamily[];
}): Cluster {
  const { nodes, pods, services = [], endpoints: backends = [], families = [4] } = parts;
  const namespaces = new Set([...pods, ...services].map(({ namespace }) => namespace));
  return {
    namespaces: new Map(
      [...namespaces].map((name) => [name, { name, labels: { 'kubernetes.io/metadata.name': name } }]),
    ),
    nodes: new Map(nodes.map((item) => [item.name, item])),
    pods: new Map(pods.map((item) => [item.key, item])),
    services: new Map(services.map((item) => [item.key, item])),
    endpoints: backends,
    networkPolicies: new Map(),
    families,
  };
}

/** `count` dual-stack pods on two nodes, and what they need. */
export function manyPods(count: number): Cluster {
  const nodes = [node('n1', '172.18.0.2', 'fd00:18::2'), node('n2', '172.18.0.3', 'fd00:18::3')];
  const pods = Array.from({ length: count }, (_, index) => {
    const on = index % 2;
    const host = (index >> 1) + 2;
    return pod(
      `shop/pod-${index}`,
      `n${on + 1}`,
      `10.244.${on}.${host}`,
      `fd00:244:${on}::${host.toString(16)}`,
    );
  });
  return cluster({ nodes, pods, families: [4, 6] });
}
