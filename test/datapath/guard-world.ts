/** A small node for judging single packets: three pods, their node, and what lies around them. */
import type { AddressChange, Delta } from '../../src/compiler/tables.ts';
import { unprogrammedIdentity } from '../../src/compiler/tables.ts';
import { parseAddress, parseCidr } from '../../src/objects/ip.ts';
import type { Address, Cidr } from '../../src/objects/ip.ts';

export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (!parsed) throw new Error(`no address: ${text}`);
  return parsed;
}

export function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  if (!parsed) throw new Error(`no prefix: ${text}`);
  return parsed;
}

/** By family; `client` may only go out to `server`, `server` takes what the sets below say, `open` has no policy. */
export const world = {
  4: {
    client: address('10.0.0.1'),
    server: address('10.0.0.2'),
    open: address('10.0.0.3'),
    nobody: address('10.0.0.99'),
    node: address('10.0.1.1'),
    remote: address('10.0.9.9'),
    block: address('192.0.2.7'),
    internet: address('198.51.100.1'),
  },
  6: {
    client: address('fd00::1'),
    server: address('fd00::2'),
    open: address('fd00::3'),
    nobody: address('fd00::99'),
    node: address('fd00:1::1'),
    remote: address('fd00:9::9'),
    block: address('2001:db8::7'),
    internet: address('2001:db9::1'),
  },
} as const;

export const linkLocal = address('fe80::1234');
export const allNodes = address('ff02::1');

/** Identities. */
const client = 5;
const server = 6;
const open = 7;
const node = 8;
const remote = 9;
const block = 10;

/** Sets: what the server takes, what the client sends. */
export const serverIngress = 1;
export const clientEgress = 2;

export const rules = {
  tcp80: 1,
  udp53: 2,
  sctp99: 3,
  tcp8000: 4,
  tcp443FromAnyone: 5,
  anythingFromBlock: 6,
  anythingToServer: 7,
  notTcp8080: 8,
} as const;

const tcp = 6;
const udp = 17;
const sctp = 132;
const exact = 16;

function ports(id: number, list: readonly (readonly [number, number, number, boolean, number])[]) {
  const rows = list.map(([protocol, port, prefixLength, allow, rule]) => ({
    class: id,
    protocol,
    port,
    prefixLength,
    allow,
    rule,
  }));
  const lengths = rows.reduce(
    (mask, row) => (mask | (1 << (row.protocol === 0 ? 31 : row.prefixLength))) >>> 0,
    0,
  );
  return { rows, lengths };
}

const fromClient = ports(1, [
  [tcp, 80, exact, true, rules.tcp80],
  [udp, 53, exact, true, rules.udp53],
  [sctp, 99, exact, true, rules.sctp99],
  // 7936…8191, but for one port.
  [tcp, 7936, 8, true, rules.tcp8000],
  [tcp, 8080, exact, false, rules.notTcp8080],
]);
const toServer = ports(2, [[0, 0, 0, true, rules.anythingToServer]]);
const fromAnyone = ports(3, [[tcp, 443, exact, true, rules.tcp443FromAnyone]]);
const fromBlock = ports(4, [[0, 0, 0, true, rules.anythingFromBlock]]);

function addressRows(family: 4 | 6): AddressChange[] {
  const at = world[family];
  return [
    {
      addresses: [at.client],
      to: { identity: client, ingressSet: 0, egressSet: clientEgress, role: 'local-pod' },
    },
    {
      addresses: [at.server],
      to: { identity: server, ingressSet: serverIngress, egressSet: 0, role: 'local-pod' },
    },
    { addresses: [at.open], to: { identity: open, ingressSet: 0, egressSet: 0, role: 'local-pod' } },
    { addresses: [at.node], to: { identity: node, ingressSet: 0, egressSet: 0, role: 'local-node' } },
    { addresses: [at.remote], to: { identity: remote, ingressSet: 0, egressSet: 0, role: 'remote' } },
  ];
}

const prefixes = [
  { cidr: cidr('10.0.0.0/24'), to: unprogrammedIdentity },
  { cidr: cidr('fd00::/64'), to: unprogrammedIdentity },
  { cidr: cidr('192.0.2.0/24'), to: block },
  { cidr: cidr('2001:db8::/32'), to: block },
];

export const worldDelta: Delta = {
  add: {
    ports: [fromClient, toServer, fromAnyone, fromBlock].flatMap((table) => table.rows),
    classes: [
      { set: serverIngress, identity: client, class: 1, lengths: fromClient.lengths },
      { set: serverIngress, identity: 0, class: 3, lengths: fromAnyone.lengths },
      { set: serverIngress, identity: block, class: 4, lengths: fromBlock.lengths },
      { set: clientEgress, identity: server, class: 2, lengths: toServer.lengths },
    ],
  },
  stage: {
    addresses: [...addressRows(4), ...addressRows(6)],
    cidrs: prefixes.map((row) => ({ ...row, from: 0, isNew: true, isGone: false })),
  },
  sweep: { ports: [], classes: [] },
};
