/** One node of a big cluster, with a client and a server on it that may talk: what agents of real clusters hold. */
import { Compiler } from '../compiler/compiler.ts';
import { nodeTables } from '../compiler/node-tables.ts';
import type { NodeTables } from '../compiler/tables.ts';
import { translatePolicies } from '../dialects/translate.ts';
import { makeAddress } from '../objects/ip.ts';
import type { Cluster, NetworkPolicy, NetworkPolicyPeer, Pod } from '../objects/model.ts';
import { uniformCluster } from './uniform-cluster.ts';
import type { ClusterSize } from './uniform-cluster.ts';

export const ends = {
  client: makeAddress(4, 0x0afe0001n),
  server: makeAddress(4, 0x0afe0002n),
  port: 80,
} as const;

const position = { file: 'generated', line: 1, column: 1 };
const everything = { matchLabels: {}, matchExpressions: [] };
const anyPod: NetworkPolicyPeer = { podSelector: everything, position };

function policy(name: string, port: number): NetworkPolicy {
  const rule = {
    peers: [anyPod],
    ports: [
      { protocol: 'TCP' as const, port, position },
      { protocol: 'UDP' as const, port, position },
    ],
    position,
  };
  return {
    key: `bench/${name}`,
    namespace: 'bench',
    name,
    apiVersion: 'networking.k8s.io/v1',
    podSelector: everything,
    policyTypes: ['Ingress', 'Egress'],
    ingress: [rule],
    egress: [rule],
    position,
  };
}

function pod(name: string, address: Pod['addresses'][number], on = 'node-0'): [string, Pod] {
  const key = `bench/${name}`;
  return [
    key,
    {
      key,
      namespace: 'bench',
      name,
      labels: { app: name },
      node: on,
      addresses: [address],
      hostNetwork: false,
      phase: 'Running',
      ports: [],
      position,
    },
  ];
}

/** The tables of node-0 as its cluster changes; ids last from one to the next. */
export class NodeOfCluster {
  readonly #compiler = new Compiler();
  readonly #cluster: Cluster;

  constructor(size: ClusterSize) {
    const others = uniformCluster(size);
    this.#cluster = {
      ...others,
      namespaces: new Map([...others.namespaces, ['bench', { name: 'bench', labels: {} }]]),
      pods: new Map([...others.pods, pod('client', ends.client), pod('server', ends.server)]),
      networkPolicies: new Map([...others.networkPolicies, ['bench/policy', policy('policy', ends.port)]]),
    };
  }

  tables(): NodeTables {
    return this.#tablesOf(this.#cluster);
  }

  /** With one more pod, on another node. */
  withPod(): NodeTables {
    const more = pod('another', makeAddress(4, 0x0afe0003n), 'node-1');
    return this.#tablesOf({ ...this.#cluster, pods: new Map([...this.#cluster.pods, more]) });
  }

  /** With one more policy, about the client and the server. */
  withPolicy(): NodeTables {
    const more: [string, NetworkPolicy] = ['bench/more', policy('more', 81)];
    const networkPolicies = new Map([...this.#cluster.networkPolicies, more]);
    return this.#tablesOf({ ...this.#cluster, networkPolicies });
  }

  #tablesOf(cluster: Cluster): NodeTables {
    const program = this.#compiler.compile(cluster, translatePolicies(cluster));
    return nodeTables(program, 'node-0', cluster.nodes.get('node-0')?.podCIDRs ?? []);
  }
}
