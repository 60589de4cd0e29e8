/**
 * IP addresses and prefixes. Parsing is strict (no leading zeros, no short forms, no zone), as Go's net/netip is;
 * IPv4-mapped IPv6 addresses are taken as the IPv4 address they stand for.
 */
export type IpFamily = 4 | 6;

export interface Address {
  readonly family: IpFamily;
  /** 32 or 128 bits, network order: 10.0.0.1 is 0x0a000001n. */
  readonly bits: bigint;
  /** Canonical text (RFC 5952 for IPv6); equal text ⇔ equal address, so it serves as a map key. */
  readonly text: string;
}

export interface Cidr {
  readonly family: IpFamily;
  /** Masked: host bits are zero. */
  readonly bits: bigint;
  /** 0…32 or 0…128. */
  readonly prefixLength: number;
  /** Canonical text `10.0.0.0/8`; serves as a map key. */
  readonly text: string;
}

/** `::ffff:0:0/96`, the IPv4-mapped range (RFC 4291 §2.5.5.2), shifted right by 32. */
const mappedPrefix = 0xffffn;

/** Parses one address; undefined if the text is not exactly one. */
export function parseAddress(text: string): Address | undefined {
  const ipv4 = parseIpv4(text);
  if (ipv4 !== undefined) return makeAddress(4, BigInt(ipv4));
  const bits = parseIpv6(text);
  if (bits === undefined) return undefined;
  return bits >> 32n === mappedPrefix ? makeAddress(4, bits & 0xffffffffn) : makeAddress(6, bits);
}

/**
 * Parses `address/length`. Host bits are cleared: compare with `text` to tell whether there were any. A mapped IPv6
 * prefix of at least /96 is the IPv4 prefix it stands for. Undefined if the text is not a prefix.
 */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) return undefined;
  const length = parseDecimal(text.slice(slash + 1), 128);
  const base = text.slice(0, slash);
  if (length === undefined) return undefined;
  const ipv4 = parseIpv4(base);
  if (ipv4 !== undefined) return length <= 32 ? makeCidr(4, BigInt(ipv4), length) : undefined;
  const bits = parseIpv6(base);
  if (bits === undefined) return undefined;
  return bits >> 32n === mappedPrefix && length >= 96
    ? makeCidr(4, bits & 0xffffffffn, length - 96)
    : makeCidr(6, bits, length);
}

export function makeAddress(family: IpFamily, bits: bigint): Address {
  return { family, bits, text: flat(formatAddress(family, bits)) };
}

/** Clears host bits. `prefixLength` must be within the family's width. */
export function makeCidr(family: IpFamily, bits: bigint, prefixLength: number): Cidr {
  const hostBits = BigInt(addressWidth(family) - prefixLength);
  const masked = (bits >> hostBits) << hostBits;
  return {
    family,
    bits: masked,
    prefixLength,
    text: flat(`${formatAddress(family, masked)}/${prefixLength}`),
  };
}

/**
 * V8 keeps text that was put together as a rope of its pieces, three times as big, until a character is asked for.
 * Nothing here starts with a zero; but if the answer did not matter, V8 would not ask.
 */
function flat(text: string): string {
  return text.charCodeAt(0) === 0 ? '' : text;
}

/** Bits in an address: 32 or 128. */
export function addressWidth(family: IpFamily): 32 | 128 {
  return family === 4 ? 32 : 128;
}

/** Canonical text: dotted decimal, or RFC 5952 (lower case, longest run of at least two zero groups shortened). */
export function formatAddress(family: IpFamily, bits: bigint): string {
  if (family === 4) {
    const value = Number(bits);
    return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
  }
  const groups = Array.from({ length: 8 }, (_, index) =>
    Number((bits >> BigInt(112 - 16 * index)) & 0xffffn),
  );
  const run = longestZeroRun(groups);
  const hex = (part: number[]): string => part.map((group) => group.toString(16)).join(':');
  if (run.length < 2) return hex(groups);
  return `${hex(groups.slice(0, run.start))}::${hex(groups.slice(run.start + run.length))}`;
}

export function cidrContains(
  { family, bits, prefixLength }: Cidr,
  address: Pick<Address, 'family' | 'bits'>,
): boolean {
  if (family !== address.family) return false;
  return leadingBits(family, address.bits, prefixLength) === leadingBits(family, bits, prefixLength);
}

/** Whether every address of `inner` is in `outer`; equal prefixes contain each other. */
export function cidrContainsCidr(outer: Cidr, inner: Cidr): boolean {
  return inner.prefixLength >= outer.prefixLength && cidrContains(outer, inner);
}

/** A number where they fit: V8 compares and hashes it several times as fast as a bigint. */
export type LeadingBits = number | bigint;

export function leadingBits(family: IpFamily, bits: bigint, length: number): LeadingBits {
  if (family === 6) return bits >> BigInt(128 - length);
  return length === 0 ? 0 : Number(bits) >>> (32 - length);
}

/** Network byte order: 4 or 16 bytes. */
export function addressBytes(address: Pick<Address, 'family' | 'bits'>): Uint8Array {
  const bytes = new Uint8Array(addressWidth(address.family) / 8);
  let rest = address.bits;
  for (let index = bytes.length - 1; index >= 0; index -= 1) {
    bytes[index] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

/** Orders IPv4 before IPv6, then numerically. */
export function compareAddresses(
  a: Pick<Address, 'family' | 'bits'>,
  b: Pick<Address, 'family' | 'bits'>,
): number {
  if (a.family !== b.family) return a.family - b.family;
  return a.bits < b.bits ? -1 : a.bits > b.bits ? 1 : 0;
}

/** A decimal number without sign or leading zero, at most `max`. */
function parseDecimal(text: string, max: number): number | undefined {
  if (!/^(?:0|[1-9]\d{0,2})$/.test(text)) return undefined;
  const value = Number(text);
  return value <= max ? value : undefined;
}

function parseIpv4(text: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (!match) return undefined;
  let value = 0;
  for (let index = 1; index <= 4; index += 1) {
    const octet = parseDecimal(match[index] ?? '', 255);
    if (octet === undefined) return undefined;
    value = value * 256 + octet;
  }
  return value;
}

function parseIpv6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = [
    parseGroups(halves[0] ?? '', halves.length === 1),
    parseGroups(halves[1] ?? '', true),
  ];
  if (!head || !tail) return undefined;
  const missing = 8 - head.length - tail.length;
  // `::` stands for at least one group (RFC 5952 §4.2.2 only forbids writing it so; net/netip rejects zero groups).
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...Array<number>(missing).fill(0), ...tail];
  return groups.reduce((bits, group) => (bits << 16n) | BigInt(group), 0n);
}

/** Colon-separated groups; dotted decimal may end them where `mayEndDotted` (the last 32 bits of the address). */
function parseGroups(text: string, mayEndDotted: boolean): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(parseInt(part, 16));
      continue;
    }
    const dotted = mayEndDotted && index === parts.length - 1 ? parseIpv4(part) : undefined;
    if (dotted === undefined) return undefined;
    groups.push(dotted >>> 16, dotted & 0xffff);
  }
  return groups;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (const [index, group] of groups.entries()) {
    if (group !== 0) start = index + 1;
    else if (index + 1 - start > best.length) best = { start, length: index + 1 - start };
  }
  return best;
}
