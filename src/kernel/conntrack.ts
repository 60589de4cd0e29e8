/** Takes connections out of conntrack's memory. Numbers are those of linux/netfilter/nfnetlink_conntrack.h. */
import { constants } from 'node:os';
import { addressBytes } from '../objects/ip.ts';
import type { Address, IpFamily } from '../objects/ip.ts';
import { SystemCallError } from './libc.ts';
import { NetfilterSocket, NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST } from './netfilter-socket.ts';
import { AttributeWriter, readAttributes } from './netlink-attributes.ts';

/** NFNL_SUBSYS_CTNETLINK, and what is asked of it. */
const subsystem = 1 << 8;
const getConnections = subsystem | 1;
const deleteConnection = subsystem | 2;

const CTA_TUPLE_ORIG = 1;
const CTA_TUPLE_REPLY = 2;
const CTA_ZONE = 18;
const CTA_TUPLE_IP = 1;
const NLA_F_NESTED = 0x8000;

const AF_UNSPEC = 0;
/** AF_INET, AF_INET6. */
const familyNumber = { 4: 2, 6: 10 } as const;
/** CTA_IP_V4_SRC, CTA_IP_V6_SRC. */
const sourceType = { 4: 1, 6: 3 } as const;

/** What a connection is named by in a request. */
interface Connection {
  readonly family: IpFamily;
  readonly tuple: Uint8Array;
  readonly zone: Uint8Array | undefined;
}

/**
 * Forgets every connection of a network namespace that one of the addresses opened, or answers once destination NAT has
 * chosen it. Its packets are then packets like any other. The kernel shows all connections for that, which takes it some
 * milliseconds even if there are none. Throws SystemCallError where there is no conntrack to ask.
 */
export function forgetConnections(netns: string, addresses: readonly Address[]): void {
  if (addresses.length === 0) return;
  const socket = new NetfilterSocket(netns);
  try {
    for (const connection of connectionsOf(socket, addresses)) remove(socket, connection);
  } finally {
    socket.close();
  }
}

function connectionsOf(socket: NetfilterSocket, addresses: readonly Address[]): Connection[] {
  const wanted = new Set(addresses.map((address) => keyOf(addressBytes(address))));
  const found: Connection[] = [];
  const writer = new AttributeWriter();
  const flags = NLM_F_REQUEST | NLM_F_DUMP;
  writer.message({ type: getConnections, flags, sequence: 1, family: AF_UNSPEC });
  socket.dump(writer.bytes, ({ attributes }) => {
    const fields = readAttributes(attributes);
    const tuple = fields.get(CTA_TUPLE_ORIG);
    const sources = [tuple, fields.get(CTA_TUPLE_REPLY)].map(sourceIn);
    if (!tuple || !sources.some((source) => source && wanted.has(keyOf(source)))) return;
    const family = sources[0]?.length === 4 ? 4 : 6;
    const zone = fields.get(CTA_ZONE);
    // The memory is the socket's.
    found.push({ family, tuple: Uint8Array.from(tuple), zone: zone && Uint8Array.from(zone) });
  });
  return found;
}

function sourceIn(tuple: Uint8Array | undefined): Uint8Array | undefined {
  const ends = tuple && readAttributes(tuple).get(CTA_TUPLE_IP);
  const values = ends && readAttributes(ends);
  return values?.get(sourceType[4]) ?? values?.get(sourceType[6]);
}

function keyOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

/** One that is gone already is what was wanted. */
function remove(socket: NetfilterSocket, { family, tuple, zone }: Connection): void {
  const writer = new AttributeWriter();
  const flags = NLM_F_REQUEST | NLM_F_ACK;
  writer.message({ type: deleteConnection, flags, sequence: 1, family: familyNumber[family] }, () => {
    writer.data(CTA_TUPLE_ORIG | NLA_F_NESTED, tuple);
    if (zone) writer.data(CTA_ZONE, zone);
  });
  const [refusal] = socket.request(writer.bytes);
  if (refusal && refusal.errno !== constants.errno.ENOENT)
    throw new SystemCallError('delete a connection', refusal.errno);
}
