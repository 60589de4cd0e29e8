/** Everything of a lab that packets meet besides policies: namespaces, links, Services, names and servers. */
import { externalRanges } from '../analyze/external-points.ts';
import { tcpListener, udpSocket } from '../kernel/socket.ts';
import type { Cluster } from '../objects/model.ts';
import type { Policy } from '../policy/ir.ts';
import { DnsServers, dnsPlaces } from './dns-servers.ts';
import { endpointsOf } from './endpoints.ts';
import { netnsPath, podNetns, worldNetns } from './network/names.ts';
import { reconcileNetwork } from './network/reconcile.ts';
import type { Placement, SnapshotResult } from './protocol.ts';
import { Servers } from './servers.ts';
import type { Endpoint } from './servers.ts';

export class LabNetwork {
  readonly #lab: string;
  readonly #servers = new Servers(openSocket);
  readonly #names = new DnsServers();
  #cluster: Cluster | undefined;

  constructor(lab: string) {
    this.#lab = lab;
  }

  /** Makes it what cluster and policies (for the outside addresses that they name) ask for. */
  async reconcile(cluster: Cluster, policies: readonly Policy[]): Promise<void> {
    const external = externalRanges(cluster, policies).flatMap(({ addresses }) => addresses);
    const names = dnsPlaces(this.#lab, cluster);
    const taken = new Set(names.map(({ namespace, port }) => `${namespace} ${port}`));
    const endpoints = endpointsOf(this.#lab, cluster, policies).filter(
      ({ namespace, port }) => !taken.has(`${namespace} ${port}`),
    );
    this.#servers.retain(endpoints);
    this.#names.retain(names);
    const { created } = await reconcileNetwork({ lab: this.#lab, cluster, external });
    const renewed = new Set(created.map(netnsPath));
    this.#servers.retain(endpoints, renewed);
    this.#names.retain(names, renewed);
    this.#cluster = cluster;
    this.#servers.start(endpoints);
    this.#names.start(names, () => this.#cluster ?? cluster);
  }

  placements(cluster: Cluster): Pick<SnapshotResult, 'pods' | 'world'> {
    const pods = cluster.pods.values().filter(({ addresses }) => addresses.length > 0);
    return {
      pods: new Map(pods.map((pod) => [pod.key, placement(podNetns(this.#lab, pod))])),
      world: placement(worldNetns(this.#lab)),
    };
  }

  close(): void {
    this.#servers.close();
    this.#names.close();
  }
}

function openSocket({ namespace, protocol, address, port }: Endpoint): number {
  return protocol === 'TCP' ? tcpListener(namespace, address, port) : udpSocket(namespace, address, port);
}

function placement(netns: string): Placement {
  return { netns, path: netnsPath(netns) };
}
