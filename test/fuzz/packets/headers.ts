/**
 * The headers of a packet as the RFCs draw them, read byte by byte: nothing is shared with either engine, so that the two
 * can be held against it.
 */
import { makeAddress } from '../../../src/objects/ip.ts';
import type { Address, IpFamily } from '../../../src/objects/ip.ts';

export interface Headers {
  readonly family: IpFamily;
  readonly source: Address;
  readonly destination: Address;
  readonly hopLimit: number;
  /** Of what follows the extension headers, as far as they could be followed. */
  readonly protocol: number;
  /** 0 for protocols without ports, and where the transport header is not whole. */
  readonly sourcePort: number;
  readonly port: number;
  readonly icmpType: number | undefined;
  /** Of an ICMP error: whom the quoted packet was for; undefined if that is cut off. */
  readonly quotedDestination: Address | undefined;
  /** Everything that a verdict needs is there. */
  readonly whole: boolean;
  /** What the engines read differently (docs/nftables.md). */
  readonly peculiar: Peculiarity | undefined;
}

type Peculiarity =
  'long chain' | 'beyond the packet' | 'authentication header' | 'later fragment of a protocol without ports';

/** RFC 9293, 768, 9260, 792, 4443: bytes that a transport header has at least. */
const shortest: Readonly<Record<number, number>> = { 1: 8, 6: 20, 17: 8, 58: 8, 132: 12 };
const withPorts = new Set([6, 17, 132]);
const icmpOf = { 4: 1, 6: 58 } as const;

const fragment = 44;
const authentication = 51;
const ofLength8 = new Set([0, 43, 60]);
/** RFC 8200 §4.1: each once, destination options twice. */
const longestChain = 6;

/** Undefined: not even the addresses are there. */
export function readHeaders(family: IpFamily, bytes: Uint8Array): Headers | undefined {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < (family === 4 ? 20 : 40) || view.readUInt8(0) >> 4 !== family) return undefined;
  return family === 4 ? readIpv4(view) : readIpv6(view);
}

function readIpv4(bytes: Buffer): Headers {
  const headerLength = (bytes.readUInt8(0) & 0x0f) * 4;
  const isLaterFragment = (bytes.readUInt16BE(6) & 0x1fff) !== 0;
  const isHeader = headerLength >= 20 && headerLength <= bytes.length;
  const ends = {
    family: 4,
    source: addressAt(bytes, 4, 12),
    destination: addressAt(bytes, 4, 16),
    hopLimit: bytes.readUInt8(8),
  } as const;
  const protocol = bytes.readUInt8(9);
  const at = isHeader && !isLaterFragment ? headerLength : undefined;
  const peculiar = isLaterFragment ? ofLaterFragment(protocol) : undefined;
  return { ...ends, ...readTransport(bytes, { at, protocol, family: 4 }), peculiar };
}

function readIpv6(bytes: Buffer): Headers {
  const ends = {
    family: 6,
    source: addressAt(bytes, 6, 8),
    destination: addressAt(bytes, 6, 24),
    hopLimit: bytes.readUInt8(7),
  } as const;
  let protocol = bytes.readUInt8(6);
  let at = 40;
  let length = 0;
  let later = false;
  let cut = false;
  while (ofLength8.has(protocol) || protocol === fragment) {
    length += 1;
    if (at + 4 > bytes.length) {
      cut = true;
      break;
    }
    if (protocol === fragment) {
      later = (bytes.readUInt16BE(at + 2) & 0xfff8) !== 0;
      if (later) break;
    }
    const step = protocol === fragment ? 8 : 8 * (bytes.readUInt8(at + 1) + 1);
    protocol = bytes.readUInt8(at);
    at += step;
  }
  const beyond = cut || at > bytes.length;
  const peculiar = later
    ? ofLaterFragment(bytes.readUInt8(at))
    : protocol === authentication
      ? 'authentication header'
      : length > longestChain
        ? 'long chain'
        : beyond
          ? 'beyond the packet'
          : undefined;
  const readable = !later && !beyond && length <= longestChain;
  const transport = readTransport(bytes, { at: readable ? at : undefined, protocol, family: 6 });
  return { ...ends, ...transport, peculiar };
}

function ofLaterFragment(protocol: number): Peculiarity | undefined {
  return protocol in shortest ? undefined : 'later fragment of a protocol without ports';
}

type Transport = Omit<Headers, 'family' | 'source' | 'destination' | 'hopLimit'>;

/** `at`: undefined if nobody can tell where it is. */
function readTransport(
  bytes: Buffer,
  { at, protocol, family }: { at: number | undefined; protocol: number; family: IpFamily },
): Transport {
  const nothing = { sourcePort: 0, port: 0, icmpType: undefined, quotedDestination: undefined } as const;
  const needed = shortest[protocol] ?? 0;
  const whole = at !== undefined && at + needed <= bytes.length;
  const rest = { protocol, whole, peculiar: undefined } as const;
  if (!whole) return { ...nothing, ...rest };
  if (withPorts.has(protocol)) {
    return { ...nothing, sourcePort: bytes.readUInt16BE(at), port: bytes.readUInt16BE(at + 2), ...rest };
  }
  if (protocol !== icmpOf[family]) return { ...nothing, ...rest };
  const quoted = at + 8 + (family === 4 ? 16 : 24);
  const isThere = quoted + (family === 4 ? 4 : 16) <= bytes.length;
  return {
    ...nothing,
    icmpType: bytes.readUInt8(at),
    quotedDestination: isThere ? addressAt(bytes, family, quoted) : undefined,
    ...rest,
  };
}

function addressAt(bytes: Buffer, family: IpFamily, at: number): Address {
  return makeAddress(family, BigInt(`0x${bytes.toString('hex', at, at + (family === 4 ? 4 : 16))}`));
}
