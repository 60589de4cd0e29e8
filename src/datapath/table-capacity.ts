/** How many rows the tables of a node have room for; fixed when a datapath is opened. */
export interface TableCapacity {
  /** Pods and nodes, per address family. */
  readonly addresses: number;
  /** Per address family. eBPF: prefixes. nftables: ends of ranges, of which nested prefixes make up to four each. */
  readonly cidrs: number;
  /** Different identities and sets of this node's own pods. nftables has no such table. */
  readonly subjects: number;
  readonly classes: number;
  readonly ports: number;
  /** eBPF: rule ids below this are counted. nftables: rules that are, each with a counter. */
  readonly rules: number;
}
