/**
 * The network of a cluster: a namespace for the control plane, with a bridge in it, and one for each node, linked to that
 * bridge. Nothing is made in the host's own namespace.
 */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { createNetns, deleteNetns, inNetns, prepareNetnsDirectory } from '../../../src/kernel/netns.ts';
import { run } from '../process/run.ts';
import type { FamilyPlan } from './address-plan.ts';

const directory = '/run/netns';
const bridge = 'fabric';

/** Values that a host may have changed are set, not assumed. Forwarding comes first: changing it resets others. */
const sysctls: Readonly<Record<string, string>> = {
  'ipv4/ip_forward': '1',
  'ipv6/conf/all/disable_ipv6': '0',
  'ipv6/conf/default/disable_ipv6': '0',
  'ipv6/conf/all/forwarding': '1',
  'ipv6/conf/default/forwarding': '1',
  'ipv4/conf/all/rp_filter': '0',
  'ipv4/conf/default/rp_filter': '0',
  // Duplicate address detection would hold every address back for a second.
  'ipv6/conf/all/accept_dad': '0',
  'ipv6/conf/default/accept_dad': '0',
};

/** `bhc-CLUSTER.cp` and `bhc-CLUSTER.NODE`. No cluster's name holds a dot, so none's names begin with another's prefix. */
export function netnsName(cluster: string, machine: string): string {
  return `bhc-${cluster}.${machine}`;
}

export function netnsPath(cluster: string, machine: string): string {
  return `${directory}/${netnsName(cluster, machine)}`;
}

export async function createControlPlaneNetns(cluster: string, plans: readonly FamilyPlan[]): Promise<void> {
  createMachine(cluster, 'cp');
  const addresses = plans.map(
    (plan) => `address add ${plan.controlPlane}/${plan.prefixLength} dev ${bridge}`,
  );
  await ip(cluster, 'cp', [
    'link set lo up',
    `link add ${bridge} type bridge`,
    `link set ${bridge} up`,
    ...addresses,
  ]);
}

export interface NodeLink {
  readonly cluster: string;
  readonly node: string;
  readonly index: number;
  /** Indexes of all nodes, this one included. */
  readonly indexes: readonly number[];
  readonly plans: readonly FamilyPlan[];
  /** Bridged packets pass netfilter, as Kubernetes asks of a node with a bridge. */
  readonly bridgeNetfilter: boolean;
}

/** Makes a node's namespace and links it; routes to pods of other nodes lead to those nodes. */
export async function createNodeNetns(link: NodeLink): Promise<void> {
  const { cluster, node, index, plans } = link;
  createMachine(cluster, node, () => {
    for (const setting of ['bridge-nf-call-iptables', 'bridge-nf-call-ip6tables']) {
      const path = `/proc/sys/net/bridge/${setting}`;
      if (existsSync(path)) writeFileSync(path, link.bridgeNetfilter ? '1' : '0');
      else if (link.bridgeNetfilter)
        throw new Error('the kernel has no br_netfilter: run `modprobe br_netfilter`');
    }
  });
  await ip(cluster, 'cp', [
    `link add ${node} type veth peer name eth0 netns ${netnsName(cluster, node)}`,
    `link set ${node} master ${bridge} up`,
  ]);
  const routes = link.indexes.filter((other) => other !== index);
  await ip(cluster, node, [
    'link set lo up',
    'link set eth0 up',
    ...plans.flatMap((plan) => [
      `address add ${plan.node(index)}/${plan.prefixLength} dev eth0`,
      `route add ${plan.any} via ${plan.controlPlane}`,
      ...routes.map((other) => `route add ${plan.nodePodRange(other)} via ${plan.node(other)}`),
    ]),
  ]);
  await ip(
    cluster,
    'cp',
    plans.map((plan) => `route replace ${plan.nodePodRange(index)} via ${plan.node(index)}`),
  );
}

/** Takes the namespace's name away, and its link, which goes with it only when the last process has ended. */
export async function deleteNodeNetns(cluster: string, node: string): Promise<void> {
  deleteNetns(netnsPath(cluster, node));
  await ip(cluster, 'cp', [`link del ${node}`]).catch((error: unknown) => {
    if (!String(error).includes('Cannot find device')) throw error;
  });
}

/** Of that cluster, whoever made them. */
export function deleteAllNetns(cluster: string): void {
  for (const name of existsSync(directory) ? readdirSync(directory) : []) {
    if (name.startsWith(netnsName(cluster, ''))) deleteNetns(`${directory}/${name}`);
  }
}

function createMachine(cluster: string, machine: string, inside: () => void = () => undefined): void {
  prepareNetnsDirectory(directory);
  createNetns(netnsPath(cluster, machine), () => {
    for (const [key, value] of Object.entries(sysctls)) {
      const path = `/proc/sys/net/${key}`;
      if (existsSync(path)) writeFileSync(path, value);
    }
    inside();
  });
}

async function ip(cluster: string, machine: string, script: readonly string[]): Promise<void> {
  await inNetns(netnsPath(cluster, machine), () => run('ip', ['-batch', '-'], `${script.join('\n')}\n`));
}
