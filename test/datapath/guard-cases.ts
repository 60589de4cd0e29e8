/** What the programs must say of single packets, as data: run against the real object, and against broken ones. */
import { icmp, ipv4, ipv6, sctp, tcp, udp } from '../../src/bench/packet.ts';
import type { ExtensionHeader } from '../../src/bench/packet.ts';
import type { ProgramName } from '../../src/datapath/ebpf/object.ts';
import type { DatapathReason } from '../../src/datapath/datapath.ts';
import { allNodes, linkLocal, world } from './guard-world.ts';
import { KernelTables, tracking } from './kernel-tables.ts';

/** How the programs are loaded; what TEST_RUN can't give a packet is fixed then. */
export const loads = {
  new: { tracking: tracking.new },
  established: { tracking: tracking.established },
  reply: { tracking: tracking.reply },
  related: { tracking: tracking.related },
  relatedReply: { tracking: tracking.relatedReply },
  /** As in production; here that means no conntrack entry. */
  production: { tracking: undefined },
} as const;

export interface GuardCase {
  readonly name: string;
  readonly load: keyof typeof loads;
  readonly program: ProgramName;
  readonly packet: Uint8Array;
  readonly accepted: boolean;
  readonly reason: DatapathReason;
}

const TCP = 6;
const UDP = 17;
const SCTP = 132;
const ICMP = 1;
const ICMPV6 = 58;
const GRE = 47;
const four = world[4];
const six = world[6];
const data = new Uint8Array(8);

type Judged = Omit<GuardCase, 'name' | 'load'>;

function forward4(
  from: keyof typeof four,
  to: keyof typeof four,
  rest: { protocol: number; payload: Uint8Array },
) {
  return ipv4({ source: four[from], destination: four[to], ...rest });
}

function forward6(
  from: keyof typeof six,
  to: keyof typeof six,
  rest: { protocol: number; payload: Uint8Array },
) {
  return ipv6({ source: six[from], destination: six[to], ...rest });
}

function pass(program: ProgramName, reason: DatapathReason, packet: Uint8Array): Judged {
  return { program, packet, accepted: true, reason };
}

function drop(program: ProgramName, reason: DatapathReason, packet: Uint8Array): Judged {
  return { program, packet, accepted: false, reason };
}

const toTcp80 = { protocol: TCP, payload: tcp({ port: 80 }) };
const toTcp81 = { protocol: TCP, payload: tcp({ port: 81 }) };

const policy: Record<string, Judged> = {
  'what a rule allows passes': pass('forward4', 'rule', forward4('client', 'server', toTcp80)),
  'over IPv6 too': pass('forward6', 'rule', forward6('client', 'server', toTcp80)),
  'what no rule allows is dropped': drop('forward4', 'default-deny', forward4('client', 'server', toTcp81)),
  'over IPv6 as well': drop('forward6', 'default-deny', forward6('client', 'server', toTcp81)),
  'UDP to its port': pass(
    'forward4',
    'rule',
    forward4('client', 'server', { protocol: UDP, payload: udp({ port: 53 }) }),
  ),
  'SCTP to its port': pass(
    'forward4',
    'rule',
    forward4('client', 'server', { protocol: SCTP, payload: sctp({ port: 99 }) }),
  ),
  'the port of another protocol': drop(
    'forward4',
    'default-deny',
    forward4('client', 'server', { protocol: UDP, payload: udp({ port: 80 }) }),
  ),
  'first port of a range': pass(
    'forward4',
    'rule',
    forward4('client', 'server', { protocol: TCP, payload: tcp({ port: 7936 }) }),
  ),
  'last port of a range': pass(
    'forward4',
    'rule',
    forward4('client', 'server', { protocol: TCP, payload: tcp({ port: 8191 }) }),
  ),
  'the port after a range': drop(
    'forward4',
    'default-deny',
    forward4('client', 'server', { protocol: TCP, payload: tcp({ port: 8192 }) }),
  ),
  'the longer prefix decides': drop(
    'forward4',
    'rule',
    forward4('client', 'server', { protocol: TCP, payload: tcp({ port: 8080 }) }),
  ),
  'the source port does not matter': drop(
    'forward4',
    'default-deny',
    forward4('client', 'server', { protocol: TCP, payload: tcp({ sourcePort: 80, port: 81 }) }),
  ),
  'an identity without a class of its own gets that of anyone': pass(
    'forward4',
    'rule',
    forward4('remote', 'server', { protocol: TCP, payload: tcp({ port: 443 }) }),
  ),
  'and no more than that': drop('forward4', 'default-deny', forward4('remote', 'server', toTcp80)),
  'an identity with a class does not get what is not merged into it': drop(
    'forward4',
    'default-deny',
    forward4('client', 'server', { protocol: TCP, payload: tcp({ port: 443 }) }),
  ),
  'an address outside, by its prefix': pass(
    'forward4',
    'rule',
    forward4('block', 'server', { protocol: GRE, payload: data }),
  ),
  'and over IPv6': pass('forward6', 'rule', forward6('block', 'server', { protocol: GRE, payload: data })),
  'an address outside every prefix': drop(
    'forward4',
    'default-deny',
    forward4('internet', 'server', toTcp80),
  ),
  'a protocol without ports needs an entry for any': drop(
    'forward4',
    'default-deny',
    forward4('client', 'server', { protocol: GRE, payload: data }),
  ),
  'so does ICMP': drop(
    'forward4',
    'default-deny',
    forward4('client', 'server', { protocol: ICMP, payload: icmp(8) }),
  ),
  'egress to nobody that a rule names': drop(
    'forward4',
    'default-deny',
    forward4('client', 'internet', toTcp80),
  ),
  'a set without a class for anyone denies': drop(
    'forward4',
    'default-deny',
    forward4('client', 'open', toTcp80),
  ),
  'a pod without policy, outwards': pass('forward4', 'not-isolated', forward4('open', 'internet', toTcp81)),
  'a pod without policy, inwards': pass('forward4', 'not-isolated', forward4('internet', 'open', toTcp81)),
  'nobody of ours': pass('forward4', 'no-subject', forward4('remote', 'internet', toTcp81)),
  'a forwarded packet that claims to be the node is judged as anybody': drop(
    'forward4',
    'default-deny',
    forward4('node', 'server', toTcp80),
  ),
  'a pod to itself': pass('forward4', 'self', forward4('client', 'client', toTcp81)),
  'a pod to itself over IPv6': pass('forward6', 'self', forward6('client', 'client', toTcp81)),
  'from an address of the pod range that nobody has': drop(
    'forward4',
    'unprogrammed',
    forward4('nobody', 'internet', toTcp80),
  ),
  'to an address of the pod range that nobody has': drop(
    'forward4',
    'unprogrammed',
    forward4('internet', 'nobody', toTcp80),
  ),
  'to such an address over IPv6': drop('forward6', 'unprogrammed', forward6('internet', 'nobody', toTcp80)),
};

const malformedIpv4: Record<string, Judged> = {
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

const malformedIpv6: Record<string, Judged> = {
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
    extended(Array<ExtensionHeader>(7).fill(destinationOptions), toTcp80),
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

function toNode(source: typeof linkLocal, type: number, hopLimit: number, payload = icmp(type)) {
  return ipv6({ source, destination: six.node, protocol: ICMPV6, payload, hopLimit });
}

const nodeLocal: Record<string, Judged> = {
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

const quoted = new Uint8Array(32);
const error4 = (type: number) =>
  forward4('internet', 'server', { protocol: ICMP, payload: icmp(type, 1, quoted) });
const error6 = (type: number) =>
  forward6('internet', 'server', { protocol: ICMPV6, payload: icmp(type, 1, quoted) });

const tracked: Partial<Record<keyof typeof loads, Record<string, Judged>>> = {
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
    'replies to the node pass': pass('local_in4', 'reply', forward4('client', 'node', toTcp81)),
  },
  related: {
    'destination unreachable': pass('forward4', 'related', error4(3)),
    'time exceeded': pass('forward4', 'related', error4(11)),
    'parameter problem': pass('forward4', 'related', error4(12)),
    'packet too big over IPv6': pass('forward6', 'related', error6(2)),
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
    'also an ICMP error': drop('forward4', 'default-deny', error4(3)),
  },
};

function named(load: keyof typeof loads, cases: Record<string, Judged>): GuardCase[] {
  return Object.entries(cases).map(([name, judged]) => ({ name, load, ...judged }));
}

export const guardCases: readonly GuardCase[] = [
  ...named('new', { ...policy, ...malformedIpv4, ...malformedIpv6, ...nodeLocal }),
  ...Object.entries(tracked).flatMap(([load, cases]) => named(load as keyof typeof loads, cases)),
];

/** What a case came to, in the words in which it says what it should. */
export function judgeCase(kernel: KernelTables, { program, packet }: GuardCase): string {
  const before = kernel.counters();
  const accepted = kernel.run(program, packet);
  const after = kernel.counters();
  const counted = Object.entries(after.reasons).flatMap(([reason, { allowed, denied }]) => {
    const was = before.reasons[reason as DatapathReason];
    const grown = [
      ['allowed', allowed.packets - was.allowed.packets, allowed.bytes - was.allowed.bytes],
      ['denied', denied.packets - was.denied.packets, denied.bytes - was.denied.bytes],
    ] as const;
    return grown
      .filter(([, packets, bytes]) => packets > 0n || bytes > 0n)
      .map(([way, packets, bytes]) => `${way} ${packets} (${bytes} bytes) by ${reason}`);
  });
  return [accepted ? 'accepted' : 'dropped', ...counted].join(', ');
}

export function expectedOf({ accepted, reason, packet }: GuardCase): string {
  return accepted
    ? `accepted, allowed 1 (${packet.length} bytes) by ${reason}`
    : `dropped, denied 1 (${packet.length} bytes) by ${reason}`;
}
