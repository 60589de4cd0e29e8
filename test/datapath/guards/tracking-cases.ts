/** What conntrack knows of a packet, and what that is worth. */
import { icmp, ipv4, ipv6, tcp } from '../../../src/datapath/packet.ts';
import {
  drop,
  forward4,
  forward6,
  four,
  GRE,
  ICMP,
  ICMPV6,
  pass,
  six,
  TCP,
  toTcp80,
  toTcp81,
} from './case.ts';
import type { Judged, loads } from './case.ts';

const quoted = new Uint8Array(32);
const error4 = (type: number) =>
  forward4('internet', 'server', { protocol: ICMP, payload: icmp(type, 1, quoted) });
const error6 = (type: number) =>
  forward6('internet', 'server', { protocol: ICMPV6, payload: icmp(type, 1, quoted) });

/** The client says that a packet to somebody did not arrive. */
const reportedBy = {
  client4: (destination: keyof typeof four) => {
    const about = ipv4({ source: four.server, destination: four[destination], ...toTcp80 });
    const body = Uint8Array.of(0, 0, 0, 0, ...about);
    return forward4('client', 'server', { protocol: ICMP, payload: icmp(3, 3, body) });
  },
  client6: (destination: keyof typeof six) => {
    const about = ipv6({ source: six.server, destination: six[destination], ...toTcp80 });
    const body = Uint8Array.of(0, 0, 0, 0, ...about);
    return forward6('client', 'server', { protocol: ICMPV6, payload: icmp(1, 4, body) });
  },
};

const from = (sourcePort: number) => ({ protocol: TCP, payload: tcp({ sourcePort, port: 40_000 }) });

export const trackingCases: Partial<Record<keyof typeof loads, Record<string, Judged>>> = {
  established: {
    'an established flow is judged by its original direction': pass(
      'forward4',
      'rule',
      forward4('client', 'server', toTcp80),
    ),
    'and dropped when nothing allows it any more': drop(
      'forward4',
      'default-deny',
      forward4('client', 'server', toTcp81),
    ),
  },
  reply: {
    'replies pass': pass('forward4', 'reply', forward4('client', 'internet', toTcp81)),
    'replies pass over IPv6': pass('forward6', 'reply', forward6('client', 'internet', toTcp81)),
    'a reply to what a rule allows passes': pass('forward4', 'reply', forward4('server', 'client', from(80))),
    'and one to what nothing allows any more does not': drop(
      'forward4',
      'default-deny',
      forward4('server', 'client', from(81)),
    ),
    'over IPv6 a reply to what a rule allows passes': pass(
      'forward6',
      'reply',
      forward6('server', 'client', from(80)),
    ),
    'and over IPv6 one to what nothing allows does not': drop(
      'forward6',
      'default-deny',
      forward6('server', 'client', from(81)),
    ),
    'a reply that does not say what it answers': drop(
      'forward4',
      'malformed',
      forward4('server', 'client', { protocol: TCP, payload: tcp({ port: 40_000 }).subarray(0, 19) }),
    ),
    'replies to the node pass': pass('local_in4', 'reply', forward4('client', 'node', toTcp81)),
  },
  related: {
    'destination unreachable': pass('forward4', 'related', error4(3)),
    'time exceeded': pass('forward4', 'related', error4(11)),
    'parameter problem': pass('forward4', 'related', error4(12)),
    'packet too big over IPv6': pass('forward6', 'related', error6(2)),
    'an error from the pod that the packet was for': pass(
      'forward4',
      'related',
      reportedBy.client4('client'),
    ),
    'an error from a pod about a packet to another one': drop(
      'forward4',
      'malformed',
      reportedBy.client4('open'),
    ),
    'an error over IPv6 from the pod that the packet was for': pass(
      'forward6',
      'related',
      reportedBy.client6('client'),
    ),
    'an error over IPv6 from a pod about a packet to another one': drop(
      'forward6',
      'malformed',
      reportedBy.client6('open'),
    ),
    'an error from a pod that does not say about what': drop(
      'forward4',
      'malformed',
      forward4('client', 'server', { protocol: ICMP, payload: icmp(3, 3) }),
    ),
    'a related redirect is no error': drop('forward4', 'default-deny', error4(5)),
    'a related echo request is no error': drop('forward4', 'default-deny', error4(8)),
    'a related echo request over IPv6 is no error': drop('forward6', 'default-deny', error6(128)),
    'a related connection is judged like a new one': drop(
      'forward4',
      'default-deny',
      forward4('internet', 'server', toTcp80),
    ),
    'a related error cut short is none': drop(
      'forward4',
      'malformed',
      forward4('internet', 'server', { protocol: ICMP, payload: icmp(3).subarray(0, 7) }),
    ),
    'a related error cut short is none over IPv6 either': drop(
      'forward6',
      'malformed',
      forward6('internet', 'server', { protocol: ICMPV6, payload: icmp(1).subarray(0, 7) }),
    ),
    // Type 3 of another protocol's first byte.
    'a related packet of another protocol is no error': drop(
      'forward4',
      'default-deny',
      forward4('internet', 'server', { protocol: GRE, payload: Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0) }),
    ),
  },
  relatedReply: {
    'an error about a reply': pass('forward4', 'related', error4(3)),
    'any other related reply is judged': drop(
      'forward4',
      'default-deny',
      forward4('internet', 'server', toTcp80),
    ),
  },
  production: {
    'without conntrack everything is judged': drop(
      'forward4',
      'default-deny',
      forward4('client', 'server', toTcp81),
    ),
    'nor may a pod report what conntrack does not know': drop(
      'forward4',
      'malformed',
      reportedBy.client4('open'),
    ),
    'a redirect is such a report': drop(
      'forward4',
      'malformed',
      forward4('open', 'server', { protocol: ICMP, payload: icmp(5, 1, quoted) }),
    ),
    'a router of the world may': pass(
      'forward4',
      'not-isolated',
      forward4('internet', 'open', { protocol: ICMP, payload: icmp(3, 1, quoted) }),
    ),
    'also an ICMP error': drop('forward4', 'default-deny', error4(3)),
  },
};
