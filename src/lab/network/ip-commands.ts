/** Links and routes as lines for `ip -batch`. Pure text. */
import type { Link } from './topology.ts';

/**
 * The gateway that every child uses. It need not be unique: each link is a world of its own. The IPv4 one is on no
 * interface (an address on the parent's end would become the source of the node's own packets to its pods); proxy ARP
 * answers for it, as with Calico.
 */
const parentEnd = { 4: '169.254.1.1', 6: 'fe80::1' } as const;

/**
 * What the parent sends to if the target lies behind the child: only a key of the neighbour table. A reserved address
 * (240/4), so that no policy can want it to be somebody.
 */
const childEnd = { 4: '240.0.0.1', 6: 'fe80::2' } as const;

/**
 * Fixed hardware addresses and permanent neighbours: no resolution delays the first packet, and no lab can fill the
 * neighbour table, whose size is one limit for all namespaces of the machine.
 */
const parentMac = 'ee:ee:ee:ee:ee:ee';
const childMac = 'ee:ee:ee:ee:ee:01';

/** Bytes; IFALIASZ of linux/if.h, less one. Names of Kubernetes may be longer together. */
const longestAlias = 255;

/** Make the link; run in the parent's namespace, before the child's. */
export function parentCommands(netns: string, link: Link): string[] {
  const device = link.interface;
  return [
    `link add name ${device} address ${parentMac} type veth peer name eth0 address ${childMac} netns ${netns}`,
    `link set dev ${device} alias ${link.alias.slice(0, longestAlias)} up`,
    ...(link.families.includes(6) ? [`addr add ${parentEnd[6]}/64 dev ${device} nodad`] : []),
    ...link.families.map((family) => permanentNeighbour(childEnd[family], childMac, device)),
    ...link.addresses.flatMap((prefix) => [
      permanentNeighbour(addressOf(prefix), childMac, device),
      `route add ${prefix} dev ${device}`,
    ]),
  ];
}

/** Run in the child's namespace, which must be fresh. */
export function childCommands(link: Link): string[] {
  return [
    loopbackUp,
    'link set dev eth0 up',
    ...link.addresses.map((prefix) => `addr add ${prefix} dev eth0${isIpv6(prefix) ? ' nodad' : ''}`),
    ...link.families.flatMap((family) => [
      permanentNeighbour(parentEnd[family], parentMac, 'eth0'),
      ...(family === 4 ? [`route add ${parentEnd[4]} dev eth0 scope link`] : []),
      `route add default via ${parentEnd[family]} dev eth0`,
    ]),
  ];
}

/**
 * The first line in every router: until the namespace has a local address, the kernel takes every gateway for a
 * broadcast address and refuses routes through it.
 */
export const loopbackUp = 'link set dev lo up';

/** Run in the parent's namespace; takes both ends of the link away with all that hangs on them. */
export function detachCommand(link: Link): string {
  return `link del dev ${link.interface}`;
}

/** A setting: route from the parent to something behind a child. */
export function routeBehind(prefix: string, device: string): string {
  return `route ${prefix} via ${childEnd[isIpv6(prefix) ? 6 : 4]} dev ${device} onlink`;
}

/** A setting: an address of the outside world. */
export function loopbackAddress(prefix: string): string {
  return `addr ${prefix} dev lo${isIpv6(prefix) ? ' nodad' : ''}`;
}

/** Setting something that is set already succeeds. */
export function setCommand(setting: string): string {
  return setting.replace(' ', ' replace ');
}

/** Fails if the setting was never set. */
export function unsetCommand(setting: string): string {
  return setting.replace(' ', ' del ').replace(/ nodad$/, '');
}

function permanentNeighbour(address: string, mac: string, device: string): string {
  return `neigh add ${address} lladdr ${mac} dev ${device} nud permanent`;
}

function isIpv6(prefix: string): boolean {
  return prefix.includes(':');
}

function addressOf(prefix: string): string {
  return prefix.slice(0, prefix.lastIndexOf('/'));
}
