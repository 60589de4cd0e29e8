/**
 * Netlink attributes (RFC 3549, linux/netlink.h): a 16-bit length in host order, a 16-bit type, the value, and padding
 * to four bytes. nfnetlink's numbers are in network order, its nested attributes carry a flag in the type.
 */
const NLA_F_NESTED = 0x8000;
const typeMask = 0x3fff;
const headerLength = 4;

/** Hosts that we run on are little-endian (x86-64, arm64). */
export const host = true;

/** A growing buffer of messages; everything is written at the end, lengths are filled in when a part is closed. */
export class AttributeWriter {
  #bytes = new Uint8Array(4096);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** What has been written; valid until the next write. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  u8(type: number, value: number): void {
    const at = this.#attribute(type, 1);
    this.#bytes[at] = value;
  }

  u16(type: number, value: number): void {
    const at = this.#attribute(type, 2);
    this.#view.setUint16(at, value);
  }

  u32(type: number, value: number): void {
    const at = this.#attribute(type, 4);
    this.#view.setUint32(at, value);
  }

  /** Ended by a zero byte. */
  text(type: number, value: string): void {
    const encoded = encoder.encode(value);
    const at = this.#attribute(type, encoded.length + 1);
    this.#bytes.set(encoded, at);
  }

  data(type: number, value: Uint8Array): void {
    const at = this.#attribute(type, value.length);
    this.#bytes.set(value, at);
  }

  nested(type: number, write: () => void): void {
    const start = this.#length;
    this.#attribute(type | NLA_F_NESTED, 0);
    write();
    this.#view.setUint16(start, this.#length - start, host);
  }

  /** A message: struct nlmsghdr, struct nfgenmsg, attributes. */
  message(header: NetlinkHeader, write: () => void = () => undefined): void {
    const start = this.#reserve(20);
    this.#view.setUint16(start + 4, header.type, host);
    this.#view.setUint16(start + 6, header.flags, host);
    this.#view.setUint32(start + 8, header.sequence, host);
    this.#bytes[start + 16] = header.family;
    this.#view.setUint16(start + 18, header.resource ?? 0);
    write();
    this.#view.setUint32(start, this.#length - start, host);
  }

  #attribute(type: number, size: number): number {
    const start = this.#reserve((headerLength + size + 3) & ~3);
    this.#view.setUint16(start, headerLength + size, host);
    this.#view.setUint16(start + 2, type, host);
    return start + headerLength;
  }

  /** Room of zero bytes. */
  #reserve(size: number): number {
    const start = this.#length;
    this.#length += size;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length));
      larger.set(this.#bytes.subarray(0, start));
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return start;
  }
}

export interface NetlinkHeader {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** struct nfgenmsg: address family, and what else the kind of message wants. */
  readonly family: number;
  readonly resource?: number;
}

/** The attributes in some bytes, by type; of several with one type the last. Values share the bytes' memory. */
export function readAttributes(bytes: Uint8Array): Map<number, Uint8Array> {
  return new Map(listAttributes(bytes));
}

/** The same as a list, for attributes that occur several times. */
export function* listAttributes(bytes: Uint8Array): Generator<readonly [type: number, value: Uint8Array]> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + headerLength <= bytes.length;) {
    const length = view.getUint16(at, host);
    if (length < headerLength) return;
    yield [view.getUint16(at + 2, host) & typeMask, bytes.subarray(at + headerLength, at + length)];
    at += (length + 3) & ~3;
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Without the zero byte at the end. */
export function textOf(value: Uint8Array | undefined): string {
  if (!value) return '';
  const end = value.indexOf(0);
  return decoder.decode(end < 0 ? value : value.subarray(0, end));
}

export function u32Of(value: Uint8Array | undefined): number {
  return value && value.length >= 4 ? new DataView(value.buffer, value.byteOffset).getUint32(0) : 0;
}

export function u64Of(value: Uint8Array | undefined): bigint {
  return value && value.length >= 8 ? new DataView(value.buffer, value.byteOffset).getBigUint64(0) : 0n;
}
