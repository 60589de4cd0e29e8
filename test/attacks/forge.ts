/** Whole packets with right checksums: conntrack calls others invalid, and attackers know how to count. */
import { icmp, ipv4, ipv6, tcp, udp } from '../../src/datapath/packet.ts';
import type { ExtensionHeader } from '../../src/datapath/packet.ts';
import type { Address } from '../../src/objects/ip.ts';

export const protocol = {
  ICMP: 1,
  IPIP: 4,
  TCP: 6,
  UDP: 17,
  IPV6: 41,
  GRE: 47,
  ESP: 50,
  ICMPV6: 58,
  SCTP: 132,
  UDPLITE: 136,
} as const;

/** Between two addresses of one family. */
export interface Ends {
  readonly source: Address;
  readonly destination: Address;
}

export interface Shape {
  /** IPv4 options, a multiple of four bytes. */
  readonly options?: Uint8Array;
  /** Of IPv6. */
  readonly extensions?: readonly ExtensionHeader[];
  readonly hopLimit?: number;
}

export interface Payload {
  readonly protocol: number;
  readonly payload: Uint8Array;
}

export function packet({ source, destination }: Ends, content: Payload, shape: Shape = {}): Uint8Array {
  const payload = withChecksum({ source, destination }, content);
  const { options, extensions, ...rest } = shape;
  return source.family === 4
    ? ipv4({ source, destination, ...content, payload, ...rest, ...(options ? { options } : {}) })
    : ipv6({ source, destination, ...content, payload, ...rest, ...(extensions ? { extensions } : {}) });
}

export interface Segment {
  readonly sourcePort?: number;
  readonly port: number;
  readonly data?: string;
}

/** `port` is 7777 unless told: the one that the field's victim lets attackers reach. */
export function udpDatagram({ data = '', ...ports }: Segment): Payload {
  return { protocol: protocol.UDP, payload: udp(ports, Buffer.from(data)) };
}

export const tcpFlags = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32 } as const;

export interface TcpSegment extends Segment {
  readonly flags?: number;
  readonly sequence?: number;
  readonly acknowledges?: number;
}

export function tcpSegment({
  data = '',
  flags = tcpFlags.syn,
  sequence = 0,
  acknowledges = 0,
  ...ports
}: TcpSegment): Payload {
  const header = Buffer.from(tcp(ports));
  header.writeUInt32BE(sequence, 4);
  header.writeUInt32BE(acknowledges, 8);
  header[13] = flags;
  return { protocol: protocol.TCP, payload: Buffer.concat([header, Buffer.from(data)]) };
}

/** An echo request or reply of either family. */
export function echo(
  family: 4 | 6,
  { reply = false, id, data = '' }: { reply?: boolean; id: number; data?: string },
): Payload {
  const type = family === 4 ? (reply ? 0 : 8) : reply ? 129 : 128;
  return icmpMessage(family, {
    type,
    body: Buffer.concat([Uint8Array.of(id >> 8, id & 255, 0, 1), Buffer.from(data)]),
  });
}

/** `body` follows type, code and checksum. */
export function icmpMessage(
  family: 4 | 6,
  { type, code = 0, body }: { type: number; code?: number; body: Uint8Array },
): Payload {
  return {
    protocol: family === 4 ? protocol.ICMP : protocol.ICMPV6,
    payload: icmp(type, code, Uint8Array.from(body)),
  };
}

/** Cuts an IPv4 packet of a 20-byte header into two fragments; the first has `firstBytes` (a multiple of eight). */
export function fragments4(whole: Uint8Array, firstBytes: number, id: number): [Uint8Array, Uint8Array] {
  const piece = (from: number, to: number, more: boolean): Uint8Array => {
    const bytes = Buffer.concat([whole.subarray(0, 20), whole.subarray(20 + from, 20 + to)]);
    bytes.writeUInt16BE(bytes.length, 2);
    bytes.writeUInt16BE(id, 4);
    bytes.writeUInt16BE((more ? 0x2000 : 0) | (from / 8), 6);
    bytes.writeUInt16BE(0, 10);
    bytes.writeUInt16BE(checksum(bytes.subarray(0, 20)), 10);
    return bytes;
  };
  return [piece(0, firstBytes, true), piece(firstBytes, whole.length - 20, false)];
}

/** The same for an IPv6 packet without extension headers. */
export function fragments6(whole: Uint8Array, firstBytes: number, id: number): [Uint8Array, Uint8Array] {
  const piece = (from: number, to: number, more: boolean): Uint8Array => {
    const header = Buffer.from(whole.subarray(0, 40));
    const extension = Buffer.alloc(8);
    extension.writeUInt8(header.readUInt8(6), 0);
    extension.writeUInt16BE(from | (more ? 1 : 0), 2);
    extension.writeUInt32BE(id, 4);
    header.writeUInt8(44, 6);
    const bytes = Buffer.concat([header, extension, whole.subarray(40 + from, 40 + to)]);
    bytes.writeUInt16BE(bytes.length - 40, 4);
    return bytes;
  };
  return [piece(0, firstBytes, true), piece(firstBytes, whole.length - 40, false)];
}

/** Where the checksum stands in the header, and whether the addresses are part of it. */
const checksums: Readonly<Record<number, { offset: number; pseudo: boolean }>> = {
  [protocol.TCP]: { offset: 16, pseudo: true },
  [protocol.UDP]: { offset: 6, pseudo: true },
  [protocol.ICMPV6]: { offset: 2, pseudo: true },
  [protocol.ICMP]: { offset: 2, pseudo: false },
};

function withChecksum(ends: Ends, { protocol: number, payload }: Payload): Uint8Array {
  const place = checksums[number];
  if (!place || payload.length < place.offset + 2) return payload;
  const bytes = Buffer.from(payload);
  bytes.writeUInt16BE(0, place.offset);
  const sum = checksum(
    place.pseudo ? Buffer.concat([pseudoHeader(ends, number, bytes.length), bytes]) : bytes,
  );
  bytes.writeUInt16BE(sum === 0 ? 0xffff : sum, place.offset);
  return bytes;
}

/** RFC 8200 §8.1; the one of IPv4 has the same sum. */
function pseudoHeader({ source, destination }: Ends, number: number, length: number): Buffer {
  const addresses = [source, destination].map(({ bits }) =>
    Buffer.from(bits.toString(16).padStart(32, '0'), 'hex'),
  );
  const rest = Buffer.alloc(8);
  rest.writeUInt32BE(length, 0);
  rest.writeUInt8(number, 7);
  return Buffer.concat([...addresses, rest]);
}

/** RFC 1071. */
function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let index = 0; index < bytes.length; index += 2)
    sum += ((bytes[index] ?? 0) << 8) | (bytes[index + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
