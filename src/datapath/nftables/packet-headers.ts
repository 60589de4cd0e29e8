/** Where a packet's transport header is, as nf_tables finds it (nft_set_pktinfo_ipv4, ipv6_find_hdr). */
export interface Headers {
  readonly protocol: number;
  /** Offset; undefined in a fragment that is not the first. */
  readonly transport: number | undefined;
}

const hopByHop = 0;
const routing = 43;
const fragment = 44;
const authentication = 51;
const destinationOptions = 60;
const extensions = new Set([hopByHop, routing, fragment, authentication, destinationOptions]);

/** Undefined if the chain of headers can't be followed to its end. */
export function readHeaders(bytes: Uint8Array): Headers | undefined {
  return (bytes[0] ?? 0) >> 4 === 6 ? readIpv6(bytes) : readIpv4(bytes);
}

function readIpv4(bytes: Uint8Array): Headers | undefined {
  const length = ((bytes[0] ?? 0) & 0xf) * 4;
  if (bytes.length < 20 || length < 20 || length > bytes.length) return undefined;
  const offset = (((bytes[6] ?? 0) << 8) | (bytes[7] ?? 0)) & 0x1fff;
  return { protocol: bytes[9] ?? 0, transport: offset === 0 ? length : undefined };
}

function readIpv6(bytes: Uint8Array): Headers | undefined {
  if (bytes.length < 40) return undefined;
  let protocol = bytes[6] ?? 0;
  let at = 40;
  while (extensions.has(protocol)) {
    const [next, length] = [bytes[at], bytes[at + 1]];
    if (next === undefined || length === undefined) return undefined;
    if (protocol === fragment) {
      if (at + 8 > bytes.length) return undefined;
      const offset = ((bytes[at + 2] ?? 0) << 8) | ((bytes[at + 3] ?? 0) & 0xf8);
      if (offset !== 0) return extensions.has(next) ? undefined : { protocol: next, transport: undefined };
      at += 8;
    } else {
      at += protocol === authentication ? (length + 2) * 4 : (length + 1) * 8;
    }
    protocol = next;
  }
  return { protocol, transport: at };
}
