/** Packets as bytes, from the IP header on: right ones by default, wrong ones where a test asks for it. */
import { addressBytes } from '../objects/ip.ts';
import type { Address } from '../objects/ip.ts';

export interface Ipv4 {
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: number;
  readonly payload: Uint8Array;
  /** Multiple of four bytes. */
  readonly options?: Uint8Array;
  /** In units of eight bytes. */
  readonly fragmentOffset?: number;
  readonly moreFragments?: boolean;
  readonly version?: number;
  readonly headerWords?: number;
  readonly hopLimit?: number;
}

/** An IPv6 extension header without its first byte, which names what follows. */
export interface ExtensionHeader {
  readonly protocol: number;
  readonly rest: Uint8Array;
}

export interface Ipv6 {
  readonly source: Address;
  readonly destination: Address;
  /** Of the payload. */
  readonly protocol: number;
  readonly payload: Uint8Array;
  readonly extensions?: readonly ExtensionHeader[];
  readonly version?: number;
  readonly hopLimit?: number;
}

export function ipv4(packet: Ipv4): Uint8Array {
  const { options = new Uint8Array(), payload, fragmentOffset = 0 } = packet;
  const headerLength = 20 + options.length;
  const bytes = new Uint8Array(headerLength + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, ((packet.version ?? 4) << 4) | (packet.headerWords ?? headerLength / 4));
  view.setUint16(2, bytes.length);
  view.setUint16(6, (packet.moreFragments ? 0x2000 : 0) | fragmentOffset);
  view.setUint8(8, packet.hopLimit ?? 64);
  view.setUint8(9, packet.protocol);
  bytes.set(addressBytes(packet.source), 12);
  bytes.set(addressBytes(packet.destination), 16);
  bytes.set(options, 20);
  bytes.set(payload, headerLength);
  view.setUint16(10, checksum(bytes.subarray(0, headerLength)));
  return bytes;
}

export function ipv6(packet: Ipv6): Uint8Array {
  const { extensions = [], payload, protocol } = packet;
  const following = [...extensions.map((header) => header.protocol), protocol];
  const chain = extensions.flatMap(({ rest }, index) => [following[index + 1] ?? 59, ...rest]);
  const bytes = new Uint8Array(40 + chain.length + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, (packet.version ?? 6) << 4);
  view.setUint16(4, bytes.length - 40);
  view.setUint8(6, following[0] ?? 59);
  view.setUint8(7, packet.hopLimit ?? 64);
  bytes.set(addressBytes(packet.source), 8);
  bytes.set(addressBytes(packet.destination), 24);
  bytes.set(chain, 40);
  bytes.set(payload, 40 + chain.length);
  return bytes;
}

export interface Ports {
  readonly sourcePort?: number;
  readonly port: number;
}

/** A SYN, without options. */
export function tcp({ sourcePort = 40_000, port }: Ports): Uint8Array {
  const bytes = new Uint8Array(20);
  const view = ports(bytes, sourcePort, port);
  view.setUint8(12, 5 << 4);
  view.setUint8(13, 2);
  view.setUint16(14, 0xffff);
  return bytes;
}

/** Checksum 0: none, which IPv4 allows. */
export function udp({ sourcePort = 40_000, port }: Ports, data = new Uint8Array()): Uint8Array {
  const bytes = new Uint8Array(8 + data.length);
  ports(bytes, sourcePort, port).setUint16(4, bytes.length);
  bytes.set(data, 8);
  return bytes;
}

/** The common header only. */
export function sctp({ sourcePort = 40_000, port }: Ports): Uint8Array {
  const bytes = new Uint8Array(12);
  ports(bytes, sourcePort, port);
  return bytes;
}

/** The packet that opens an association (RFC 9260 §3.3.2), with the tag that the peer is to use; checksum included. */
export function sctpInit({ tag, ...pair }: Ports & { readonly tag: number }): Uint8Array {
  const bytes = new Uint8Array(32);
  const view = ports(bytes, pair.sourcePort ?? 40_000, pair.port);
  view.setUint8(12, 1);
  view.setUint16(14, 20);
  view.setUint32(16, tag);
  // Receiver window, outbound and inbound streams, initial TSN.
  view.setUint32(20, 65_536);
  view.setUint16(24, 1);
  view.setUint16(26, 1);
  view.setUint32(28, tag);
  view.setUint32(8, crc32c(bytes), true);
  return bytes;
}

/** `body` follows type, code and checksum. */
export function icmp(type: number, code = 0, body = new Uint8Array(4)): Uint8Array {
  const bytes = Uint8Array.of(type, code, 0, 0, ...body);
  new DataView(bytes.buffer).setUint16(2, checksum(bytes));
  return bytes;
}

/** The transport header of a protocol that has ports; of any other, eight zero bytes. */
export function transport(protocol: number, port: number): Uint8Array {
  if (protocol === 6) return tcp({ port });
  if (protocol === 17) return udp({ port });
  if (protocol === 132) return sctp({ port });
  return protocol === 1 || protocol === 58 ? icmp(protocol === 1 ? 8 : 128) : new Uint8Array(8);
}

function ports(bytes: Uint8Array<ArrayBuffer>, sourcePort: number, port: number): DataView {
  const view = new DataView(bytes.buffer);
  view.setUint16(0, sourcePort);
  view.setUint16(2, port);
  return view;
}

/** RFC 1071. */
function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let index = 0; index < bytes.length; index += 2)
    sum += ((bytes[index] ?? 0) << 8) | (bytes[index + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** CRC-32C (RFC 9260 appendix A), bit by bit: packets here are few and short. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f6_3b78 : 0);
  }
  return ~crc >>> 0;
}
