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
