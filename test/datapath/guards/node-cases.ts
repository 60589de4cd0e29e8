/** Between a pod and its node, at LOCAL_IN. */
import { icmp, ipv6 } from '../../../src/datapath/packet.ts';
import { allNodes, linkLocal } from '../guard-world.ts';
import { drop, forward4, forward6, ICMPV6, pass, six, toTcp80 } from './case.ts';
import type { Judged } from './case.ts';

function toNode(source: typeof linkLocal, type: number, hopLimit: number, payload = icmp(type)) {
  return ipv6({ source, destination: six.node, protocol: ICMPV6, payload, hopLimit });
}

export const nodeCases: Record<string, Judged> = {
  'a pod without policy to its node': pass('local_in4', 'not-isolated', forward4('open', 'node', toTcp80)),
  'a pod to its node, which no rule allows': drop(
    'local_in4',
    'default-deny',
    forward4('client', 'node', toTcp80),
  ),
  'the same over IPv6': drop('local_in6', 'default-deny', forward6('client', 'node', toTcp80)),
  'somebody else to the node': pass('local_in4', 'no-subject', forward4('internet', 'node', toTcp80)),
  'to the node from an address of the pod range that nobody has': drop(
    'local_in4',
    'unprogrammed',
    forward4('nobody', 'node', toTcp80),
  ),
  "a pod can be nobody's self at its node": drop(
    'local_in4',
    'default-deny',
    forward4('client', 'client', toTcp80),
  ),
  'neighbour solicitation': pass('local_in6', 'neighbour-discovery', toNode(six.client, 135, 255)),
  'neighbour advertisement': pass('local_in6', 'neighbour-discovery', toNode(six.client, 136, 255)),
  'router solicitation': pass('local_in6', 'neighbour-discovery', toNode(six.client, 133, 255)),
  'listener report': pass(
    'local_in6',
    'neighbour-discovery',
    ipv6({ source: six.client, destination: allNodes, protocol: ICMPV6, payload: icmp(143), hopLimit: 1 }),
  ),
  'neighbour solicitation from beyond the link': drop(
    'local_in6',
    'default-deny',
    toNode(six.client, 135, 254),
  ),
  'listener report from beyond the link': drop('local_in6', 'default-deny', toNode(six.client, 143, 2)),
  "listener query, which is a router's": drop('local_in6', 'default-deny', toNode(six.client, 130, 1)),
  'neighbour solicitation cut short': drop(
    'local_in6',
    'malformed',
    toNode(six.client, 135, 255, icmp(135).subarray(0, 7)),
  ),
  'echo request to the node': drop('local_in6', 'default-deny', toNode(six.client, 128, 255)),
  'router advertisement, even from a pod without policy': drop(
    'local_in6',
    'neighbour-discovery',
    toNode(six.open, 134, 255),
  ),
  'redirect, even from a pod without policy': drop(
    'local_in6',
    'neighbour-discovery',
    toNode(six.open, 137, 255),
  ),
  "router advertisement of the node's own router": pass(
    'local_in6',
    'no-subject',
    toNode(linkLocal, 134, 255),
  ),
  'neighbour discovery is not for forwarding': drop(
    'forward6',
    'default-deny',
    ipv6({
      source: six.client,
      destination: six.server,
      protocol: ICMPV6,
      payload: icmp(135),
      hopLimit: 255,
    }),
  ),
};
