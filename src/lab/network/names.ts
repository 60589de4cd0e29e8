/**
 * What the namespaces of a lab are called in `ip netns`: `bh-LAB.world`, `bh-LAB.node.NODE`,
 * `bh-LAB.pod.NAMESPACE.POD`. A lab's name holds no dot, so no lab's names begin with another's prefix.
 */
import { createHash } from 'node:crypto';
import type { Pod } from '../../objects/model.ts';

/** Where `ip netns` looks. */
export const netnsDirectory = '/run/netns';

/** File names end at 255 bytes; iproute2 and people want some room beyond. */
const longestName = 200;

export function worldNetns(lab: string): string {
  return `${labPrefix(lab)}world`;
}

export function nodeNetns(lab: string, node: string): string {
  return bounded(`${labPrefix(lab)}node.${node}`);
}

/** A hostNetwork pod lives in its node's namespace. */
export function podNetns(lab: string, pod: Pick<Pod, 'namespace' | 'name' | 'node' | 'hostNetwork'>): string {
  return pod.hostNetwork
    ? nodeNetns(lab, pod.node)
    : bounded(`${labPrefix(lab)}pod.${pod.namespace}.${pod.name}`);
}

/** Path of a named namespace, for inNetns. */
export function netnsPath(name: string): string {
  return `${netnsDirectory}/${name}`;
}

/** What the names of all namespaces of a lab, and of no other lab, begin with. */
export function labPrefix(lab: string): string {
  return `bh-${lab}.`;
}

/** The lab that a namespace belongs to; undefined for those that are not ours. */
export function labOfNetns(name: string): string | undefined {
  return /^bh-([a-z0-9-]+)\.(?:world$|node\.|pod\.)/.exec(name)?.[1];
}

/** The router's end of a link, at most 15 bytes (IFNAMSIZ): the same for the same child, whoever asks. */
export function interfaceName(childNetns: string): string {
  return `veth${digest(childNetns, 11)}`;
}

/**
 * Shortens a name and keeps it unique. Names go into file names and into scripts for `ip` and `nft` that run as root;
 * manifests with others than Kubernetes allows are refused long before, and here once more.
 */
export function bounded(name: string, limit = longestName): string {
  if (!/^[a-z0-9./-]+$/.test(name) || name.includes('..'))
    throw new Error(`${JSON.stringify(name)} is no safe name`);
  return name.length <= limit ? name : `${name.slice(0, limit - 9)}-${digest(name, 8)}`;
}

function digest(text: string, digits: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, digits);
}
