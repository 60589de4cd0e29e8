/** Runs the cluster's DNS in the pods that stand behind its Service. */
import type { Address } from '../objects/ip.ts';
import type { Cluster } from '../objects/model.ts';
import { clusterDnsService } from '../sources/cluster-dns.ts';
import { startDnsServer } from './dns.ts';
import type { DnsServer } from './dns.ts';
import { netnsPath, podNetns } from './network/names.ts';

/** One pod's DNS, on the port that the Service sends to. */
export interface DnsPlace {
  /** Path of the network namespace. */
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
  readonly addresses: readonly Address[];
}

/** Empty where the cluster has no DNS Service, or nobody behind it. */
export function dnsPlaces(lab: string, cluster: Cluster): readonly DnsPlace[] {
  const backends = cluster.endpoints
    .filter(({ service, port }) => service === clusterDnsService && port.port === 53)
    .flatMap((endpoints) => endpoints.backends);
  const ports = Map.groupBy(backends, ({ pod, port }) => `${pod} ${port}`);
  return ports
    .values()
    .flatMap((group) => {
      const [first] = group;
      const pod = cluster.pods.get(first?.pod ?? '');
      if (!first || !pod) return [];
      // The same address once for UDP and once for TCP.
      const addresses = new Map(group.map(({ address }) => [address.text, address]));
      const namespace = netnsPath(podNetns(lab, pod));
      return [{ namespace, pod: pod.key, port: first.port, addresses: [...addresses.values()] }];
    })
    .toArray();
}

interface Running {
  readonly place: DnsPlace;
  readonly server: DnsServer;
}

export class DnsServers {
  readonly #running = new Map<string, Running>();

  /** Ends the servers at other places than these, and those in namespaces that were made anew. */
  retain(places: readonly DnsPlace[], renewed: ReadonlySet<string> = new Set()): void {
    const wanted = new Set(places.map(keyOf));
    for (const [key, { place, server }] of this.#running) {
      if (wanted.has(key) && !renewed.has(place.namespace)) continue;
      server.close();
      this.#running.delete(key);
    }
  }

  /** Starts what does not run yet; every answer is about the cluster that `cluster` gives then. */
  start(places: readonly DnsPlace[], cluster: () => Cluster): void {
    for (const place of places) {
      const key = keyOf(place);
      if (this.#running.has(key)) continue;
      const { namespace, addresses, port, pod } = place;
      const identify = (protocol: 'TCP' | 'UDP') => `${pod} ${protocol} ${port}\n`;
      const server = startDnsServer({ netns: namespace, addresses, port, cluster, identify });
      this.#running.set(key, { place, server });
    }
  }

  close(): void {
    this.retain([]);
  }
}

function keyOf({ namespace, pod, port, addresses }: DnsPlace): string {
  return [namespace, pod, port, ...addresses.map(({ text }) => text)].join(' ');
}
