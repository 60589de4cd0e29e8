/** Headers of any shape: options, extension headers, fragments, and what is cut short. */
import { icmp, ipv4, ipv6, sctp, tcp, udp } from '../../../src/datapath/packet.ts';
import type { ExtensionHeader } from '../../../src/datapath/packet.ts';
import {
  data,
  drop,
  forward4,
  forward6,
  four,
  GRE,
  ICMP,
  pass,
  SCTP,
  six,
  TCP,
  toTcp80,
  toTcp81,
  UDP,
} from './case.ts';
import type { Judged } from './case.ts';

export const ipv4HeaderCases: Record<string, Judged> = {
  'options before the transport header': pass(
    'forward4',
    'rule',
    ipv4({ source: four.client, destination: four.server, ...toTcp80, options: new Uint8Array(40) }),
  ),
  // The options hold what would be a SYN to port 80, were they read as the transport header.
  'options that look like an allowed header': drop(
    'forward4',
    'default-deny',
    ipv4({ source: four.client, destination: four.server, ...toTcp81, options: tcp({ port: 80 }) }),
  ),
  'another version': drop(
    'forward4',
    'malformed',
    ipv4({ source: four.client, destination: four.server, ...toTcp80, version: 5 }),
  ),
  'a header that is too short to be one': drop(
    'forward4',
    'malformed',
    ipv4({ source: four.client, destination: four.server, ...toTcp80, headerWords: 4 }),
  ),
  'a header longer than the packet': drop(
    'forward4',
    'malformed',
    ipv4({ source: four.block, destination: four.server, protocol: GRE, payload: data, headerWords: 15 }),
  ),
  'a later fragment': drop(
    'forward4',
    'malformed',
    ipv4({ source: four.client, destination: four.server, ...toTcp80, fragmentOffset: 1 }),
  ),
  'a first fragment with its ports': pass(
    'forward4',
    'rule',
    ipv4({ source: four.client, destination: four.server, ...toTcp80, moreFragments: true }),
  ),
  'malformed, but nobody of ours': pass(
    'forward4',
    'no-subject',
    ipv4({ source: four.remote, destination: four.internet, ...toTcp80, fragmentOffset: 1 }),
  ),
  ...Object.fromEntries(
    (
      [
        ['TCP', TCP, tcp({ port: 80 })],
        ['UDP', UDP, udp({ port: 53 })],
        ['SCTP', SCTP, sctp({ port: 99 })],
        ['ICMP', ICMP, icmp(8)],
      ] as const
    ).map(([name, protocol, whole]) => [
      `a ${name} header cut short`,
      drop(
        'forward4',
        'malformed',
        forward4('block', 'server', { protocol, payload: whole.subarray(0, -1) }),
      ),
    ]),
  ),
};

const hopByHop: ExtensionHeader = { protocol: 0, rest: Uint8Array.of(0, 1, 4, 0, 0, 0, 0) };
const routing: ExtensionHeader = { protocol: 43, rest: Uint8Array.of(2, 0, 0, ...new Uint8Array(20)) };
const destinationOptions: ExtensionHeader = { protocol: 60, rest: Uint8Array.of(0, 1, 4, 0, 0, 0, 0) };
const fragment = (offset: number): ExtensionHeader => ({
  protocol: 44,
  rest: Uint8Array.of(0, (offset << 3) >> 8, (offset << 3) & 0xff, 0, 0, 0, 1),
});
const chain = [hopByHop, destinationOptions, routing, fragment(0), destinationOptions];

function extended(extensions: readonly ExtensionHeader[], rest: { protocol: number; payload: Uint8Array }) {
  return ipv6({ source: six.client, destination: six.server, extensions, ...rest });
}

export const ipv6HeaderCases: Record<string, Judged> = {
  ...Object.fromEntries(
    chain.map((header) => [
      `the port behind extension header ${header.protocol} is found`,
      pass('forward6', 'rule', extended([header], toTcp80)),
    ]),
  ),
  'and judged': drop('forward6', 'default-deny', extended([destinationOptions], toTcp81)),
  'a chain as long as RFC 8200 allows': pass('forward6', 'rule', extended(chain, toTcp80)),
  'a longer chain': drop(
    'forward6',
    'malformed',
    extended(
      Array.from({ length: 7 }, () => destinationOptions),
      toTcp80,
    ),
  ),
  'a chain that ends with the packet': drop(
    'forward6',
    'malformed',
    extended([destinationOptions], { protocol: TCP, payload: new Uint8Array() }),
  ),
  'an extension header that reaches beyond the packet': drop(
    'forward6',
    'malformed',
    ipv6({
      source: six.block,
      destination: six.server,
      protocol: GRE,
      payload: data,
      extensions: [{ protocol: 60, rest: Uint8Array.of(9, 1, 4, 0, 0, 0, 0) }],
    }),
  ),
  'an extension header of which only the start is there': drop(
    'forward6',
    'malformed',
    ipv6({ source: six.block, destination: six.server, protocol: 60, payload: Uint8Array.of(GRE, 0) }),
  ),
  'a later fragment over IPv6': drop('forward6', 'malformed', extended([fragment(1)], toTcp80)),
  'a later fragment at the end of the offset': drop(
    'forward6',
    'malformed',
    extended([fragment(8191)], toTcp80),
  ),
  'nothing follows: only an entry for any protocol would do': drop(
    'forward6',
    'default-deny',
    extended([], { protocol: 59, payload: tcp({ port: 80 }) }),
  ),
  'another version of IPv6': drop(
    'forward6',
    'malformed',
    ipv6({ source: six.client, destination: six.server, ...toTcp80, version: 4 }),
  ),
  'a header cut short': drop('forward6', 'malformed', forward6('client', 'server', toTcp80).subarray(0, 39)),
  'a TCP header cut short over IPv6': drop(
    'forward6',
    'malformed',
    forward6('block', 'server', { protocol: TCP, payload: tcp({ port: 80 }).subarray(0, 19) }),
  ),
};
