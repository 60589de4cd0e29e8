/** The cluster of the light form: one node, three pods, one policy that the probes are about, and the streams of the probes. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { ApiClient } from '../cluster/api/client.ts';
import { world } from '../datapath/guard-world.ts';
import type { PodName, TestNetwork } from '../datapath/test-network.ts';
import type { Stream } from './probe/stream.ts';

export const node = 'n1';
export const policiesPath = '/apis/networking.k8s.io/v1/namespaces/default/networkpolicies';
export const podNames: readonly PodName[] = ['client', 'server', 'open'];

export const ports = { udp: 7000, kept: 7001, syn: 7002, closed: 7003 } as const;
/** Of datagrams, of agnhost's `netexec`. */
export const servedPort = 8081;
const merge = 'application/merge-patch+json';

/** Lets the client reach three ports of the server, and nobody else anything. `more` changes nothing that is probed. */
export function pairPolicy(more = 0): object {
  const to = [
    { protocol: 'UDP', port: ports.udp },
    { protocol: 'TCP', port: ports.kept },
    { protocol: 'TCP', port: ports.syn },
  ];
  const from = [{ podSelector: { matchLabels: { app: 'client' } } }];
  const others = Array.from({ length: more }, (_, index) => ({
    from: [{ podSelector: { matchLabels: { app: `other-${index}` } } }],
    ports: [{ protocol: 'TCP', port: 9000 + index }],
  }));
  return {
    metadata: { name: 'pair' },
    spec: { podSelector: { matchLabels: { app: 'server' } }, ingress: [{ from, ports: to }, ...others] },
  };
}

/** What comes to the client is answers only: without conntrack it would get none. */
export const clientPolicy = {
  metadata: { name: 'client' },
  spec: { podSelector: { matchLabels: { app: 'client' } }, policyTypes: ['Ingress'] },
};

export async function createObjects(api: ApiClient): Promise<void> {
  const definition: unknown = parse(readFileSync(new URL('../../deploy/crd.yaml', import.meta.url), 'utf8'));
  await api.must('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition);
  const ranges = ['10.0.0.0/24', 'fd00::/64'];
  await api.must('POST', '/api/v1/nodes', {
    metadata: { name: node },
    spec: { podCIDR: ranges[0], podCIDRs: ranges },
  });
  const addresses = ([4, 6] as const).map((family) => ({
    type: 'InternalIP',
    address: world[family].node.text,
  }));
  await api.must('PATCH', `/api/v1/nodes/${node}/status`, { status: { addresses } }, merge);
  await api.must('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
  for (const name of podNames) {
    await createPod(api, { name, labels: { app: name }, ips: [world[4][name].text, world[6][name].text] });
  }
}

export interface PodPlan {
  readonly name: string;
  readonly namespace?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly ips: readonly string[];
}

/** Running on the node. */
export async function createPod(
  api: ApiClient,
  { name, namespace = 'default', labels, ips }: PodPlan,
): Promise<void> {
  const pods = `/api/v1/namespaces/${namespace}/pods`;
  const containers = [{ name: 'main', image: 'main' }];
  await api.must('POST', pods, {
    metadata: { name, labels },
    spec: { nodeName: node, containers, automountServiceAccountToken: false },
  });
  const podIPs = ips.map((ip) => ({ ip }));
  await api.must(
    'PATCH',
    `${pods}/${name}/status`,
    { status: { phase: 'Running', podIP: ips[0], podIPs } },
    merge,
  );
}

export const forbiddenStreams = 4;

/** By name; those that begin with `permitted` are, once the policy is in force, and the others are not. */
export function streamsOf(network: TestNetwork): Stream[] {
  const stream = (name: string, rest: Pick<Stream, 'flow' | 'port' | 'protocol'>, ends: Ends): Stream => {
    const at = (pod: PodName) => ({ netns: network.pod(pod), address: world[ends.family][pod].text });
    return { name, ...rest, from: at(ends.from), to: at('server') };
  };
  const { udp, kept, syn, closed } = ports;
  return [
    stream('permitted new UDP', { protocol: 'UDP', flow: 'new', port: udp }, { from: 'client', family: 4 }),
    stream('permitted kept UDP', { protocol: 'UDP', flow: 'kept', port: udp }, { from: 'client', family: 6 }),
    stream('permitted new TCP', { protocol: 'TCP', flow: 'new', port: syn }, { from: 'client', family: 6 }),
    stream(
      'permitted kept TCP',
      { protocol: 'TCP', flow: 'kept', port: kept },
      { from: 'client', family: 4 },
    ),
    stream('forbidden new UDP', { protocol: 'UDP', flow: 'new', port: udp }, { from: 'open', family: 6 }),
    stream('forbidden kept UDP', { protocol: 'UDP', flow: 'kept', port: udp }, { from: 'open', family: 4 }),
    stream(
      'forbidden new TCP',
      { protocol: 'TCP', flow: 'new', port: closed },
      { from: 'client', family: 4 },
    ),
    stream('forbidden kept TCP', { protocol: 'TCP', flow: 'kept', port: kept }, { from: 'open', family: 6 }),
  ];
}

interface Ends {
  readonly from: PodName;
  readonly family: 4 | 6;
}
