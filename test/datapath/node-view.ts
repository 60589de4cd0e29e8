/** What one node must say of a packet, by the oracle; and the packet. */
import type { AddressEntry, Program } from '../../src/compiler/program.ts';
import type { DatapathReason } from '../../src/datapath/datapath.ts';
import { ipv4, ipv6, transport } from '../../src/datapath/packet.ts';
import type { Address } from '../../src/objects/ip.ts';
import type { Cluster, Node } from '../../src/objects/model.ts';
import type { Flow } from '../../src/policy/verdict.ts';
import { isUnprogrammed } from '../generate/flow.ts';

export interface Expected {
  readonly allowed: boolean;
  readonly reason: DatapathReason;
}

export const nobody: Expected = { allowed: true, reason: 'no-subject' };
export const unprogrammed: Expected = { allowed: false, reason: 'unprogrammed' };
/** Nobody can say what egress rules have to say of an address that nobody has yet. */
export const notAsked: Expected = { allowed: true, reason: 'none' };

/** What the node in question must say: it enforces for its own pods, and for addresses that pods of it may have. */
export class NodeView {
  readonly #cluster: Cluster;
  readonly #program: Program;
  readonly #node: Node;

  constructor(options: { cluster: Cluster; program: Program; node: Node }) {
    this.#cluster = options.cluster;
    this.#program = options.program;
    this.#node = options.node;
  }

  #owner(address: Address): AddressEntry['owner'] | undefined {
    return this.#program.addresses.get(address.text)?.owner;
  }

  isThisNode(address: Address): boolean {
    const owner = this.#owner(address);
    return owner?.kind === 'node' && owner.node === this.#node.name;
  }

  isLocalPod(address: Address): boolean {
    const owner = this.#owner(address);
    return owner?.kind === 'pod' && owner.node === this.#node.name;
  }

  /** `verdict`: what is to be said if a pod of this node has the address. */
  expected(address: Address, verdict: Expected): Expected {
    const onlyThisNode = { ...this.#cluster, nodes: new Map([[this.#node.name, this.#node]]) };
    if (this.#owner(address) === undefined && isUnprogrammed(onlyThisNode, address)) return unprogrammed;
    return this.isLocalPod(address) ? verdict : nobody;
  }
}

export function packetOf({ source, destination, protocol, port }: Flow): Uint8Array {
  const payload = transport(protocol, port);
  return source.family === 4
    ? ipv4({ source, destination, protocol, payload })
    : ipv6({ source, destination, protocol, payload });
}
