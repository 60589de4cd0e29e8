/** A made-up cluster of any size, the same for the same numbers: nodes, namespaces, pods with addresses, policies. */

export interface Shape {
  readonly nodes: number;
  readonly namespaces: number;
  readonly pods: number;
  readonly policies: number;
  /** How many values the pods' label `app` has. */
  readonly apps: number;
  readonly families: readonly ('IPv4' | 'IPv6')[];
}

export interface MadeUpPod {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly node: string;
  readonly addresses: readonly string[];
}

/** Half of the 254 addresses of a node's range: a pod's successor never gets an address that is still in use. */
const podsPerNode = 127;

/** What is left out follows from the number of pods. */
export function shapeOf(given: Partial<Shape>): Shape {
  const pods = given.pods ?? 1000;
  const shape = {
    pods,
    nodes: Math.max(1, Math.ceil(pods / 100)),
    namespaces: Math.max(1, Math.ceil(pods / 100)),
    policies: 0,
    apps: 50,
    families: ['IPv4'] as const,
    ...given,
  };
  if (pods > shape.nodes * podsPerNode) throw new Error(`${pods} pods need more than ${shape.nodes} nodes`);
  return shape;
}

export function nodeName(index: number): string {
  return `node-${index}`;
}

export function namespaceName(index: number): string {
  return `ns-${index}`;
}

export function policyName(index: number): string {
  return `policy-${index}`;
}

/** @param generation a later pod of the same place: another name and another address */
export function madeUpPod(shape: Shape, index: number, generation = 0): MadeUpPod {
  const node = index % shape.nodes;
  const perNode = Math.ceil(shape.pods / shape.nodes);
  const slot = (Math.floor(index / shape.nodes) + generation * perNode) % 254;
  return {
    name: generation === 0 ? `pod-${index}` : `pod-${index}-${generation}`,
    namespace: namespaceName(index % shape.namespaces),
    labels: { app: `app-${index % shape.apps}`, track: index % 2 === 0 ? 'stable' : 'canary' },
    node: nodeName(node),
    addresses: shape.families.map((family) => podAddress(family, node, slot + 1)),
  };
}

export function podObject({ name, namespace, labels, node }: MadeUpPod): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels },
    spec: {
      nodeName: node,
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'main', image: 'none', ports: [{ name: 'http', containerPort: 8080 }] }],
    },
  };
}

/** The pod as its kubelet would report it: running, with its addresses. */
export function runningPodObject(pod: MadeUpPod): object {
  const ready = ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'];
  return {
    ...podObject(pod),
    status: {
      phase: 'Running',
      podIP: pod.addresses[0],
      podIPs: pod.addresses.map((ip) => ({ ip })),
      conditions: ready.map((type) => ({ type, status: 'True' })),
    },
  };
}

export function nodeObject(shape: Shape, index: number): object {
  const ranges = shape.families.map((family) => nodeRange(family, index));
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: nodeName(index), labels: { 'kubernetes.io/hostname': nodeName(index) } },
    spec: { podCIDR: ranges[0], podCIDRs: ranges },
  };
}

export function nodeStatus(shape: Shape, index: number): object {
  const addresses = shape.families.map((family) => ({
    type: 'InternalIP',
    address: family === 'IPv4' ? `172.16.${index >> 8}.${index & 255}` : `fd00:16::${hex(index + 1)}`,
  }));
  return { status: { addresses, conditions: [{ type: 'Ready', status: 'True' }] } };
}

export function namespaceObject(index: number): object {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespaceName(index), labels: { team: `team-${index % 10}` } },
  };
}

/** Two peers, two ports, and every tenth also restricts what goes out. */
export function policyObject(
  shape: Shape,
  index: number,
): { readonly metadata: { readonly namespace: string } } {
  const app = (offset: number): object => ({ matchLabels: { app: `app-${(index + offset) % shape.apps}` } });
  const ports = [
    { protocol: 'TCP', port: 8080 },
    { protocol: 'TCP', port: 9000 + (index % 1000) },
  ];
  const from = [
    { podSelector: app(1) },
    { namespaceSelector: { matchLabels: { team: `team-${index % 10}` } }, podSelector: app(2) },
  ];
  const egress = { egress: [{ to: [{ podSelector: app(3) }, { ipBlock: { cidr: '192.0.2.0/24' } }] }] };
  const metadata = { name: policyName(index), namespace: namespaceName(index % shape.namespaces) };
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata,
    spec: { podSelector: app(0), ingress: [{ from, ports }], ...(index % 10 === 0 ? egress : {}) },
  } as { metadata: typeof metadata };
}

function nodeRange(family: Shape['families'][number], node: number): string {
  return family === 'IPv4' ? `10.${128 + (node >> 8)}.${node & 255}.0/24` : `fd00:10:0:${hex(node)}::/64`;
}

function podAddress(family: Shape['families'][number], node: number, slot: number): string {
  return family === 'IPv4'
    ? `10.${128 + (node >> 8)}.${node & 255}.${slot}`
    : `fd00:10:0:${hex(node)}::${hex(slot)}`;
}

function hex(value: number): string {
  return value.toString(16);
}
