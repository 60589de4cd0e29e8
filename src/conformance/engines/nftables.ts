/** The nftables rules on real packet bytes, by the interpreter: neither kernel nor root. */
import type { Delta } from '../../compiler/tables.ts';
import { defaultCapacity } from '../../datapath/nftables/capacity.ts';
import { Machine } from '../../datapath/nftables/machine.ts';
import { newTable } from '../../datapath/nftables/ruleset.ts';
import type { NewTable } from '../../datapath/nftables/ruleset.ts';
import { Tables } from '../../datapath/nftables/tables.ts';
import type { Engine } from '../engine.ts';
import { PacketSession } from './packet-session.ts';
import type { PacketNode } from './packet-session.ts';

export const nftables: Engine = {
  name: 'nftables',
  summary: 'the nftables rules, interpreted on packet bytes',
  callsServices: false,
  open: async ({ nodes }) => {
    const { changes } = newTable({ logGroup: 0, allowedEvents: false });
    return new PacketSession(nodes, () => new InterpretedNode(changes));
  },
};

/** NF_CT_STATE_BIT(IP_CT_NEW) */
const newConnection = { state: 1 << 3, reply: false, confirmed: false } as const;

/** The way that any packet takes: in by one interface, out by another or to the node itself. */
const ways = {
  forward: { hook: 'forward', iif: 2, iifname: 'in', oif: 3, oifname: 'out' },
  'local-in': { hook: 'input', iif: 2, iifname: 'in', oif: 0 },
} as const;

class InterpretedNode implements PacketNode {
  readonly #machine = new Machine();
  readonly #made: NewTable['changes'];
  #begun = false;
  readonly #tables = new Tables({
    commit: (changes) => {
      this.#machine.commit(changes);
    },
    waitForPackets: () => undefined,
    owner: 1,
    capacity: defaultCapacity,
  });

  constructor(made: NewTable['changes']) {
    this.#made = made;
  }

  apply(delta: Delta): void {
    if (this.#begun) this.#tables.apply(delta);
    else this.#tables.begin(delta, this.#made);
    this.#begun = true;
  }

  accepts(bytes: Uint8Array, hook: 'forward' | 'local-in'): boolean {
    const way = ways[hook];
    return this.#machine.judge({ bytes, ...way, conntrack: newConnection, reversePath: hairpin(bytes) })
      .accepted;
  }

  close(): void {
    // Nothing is held.
  }
}

/** A pod to itself goes out by the interface where it came in. */
function hairpin(bytes: Uint8Array): boolean {
  const [source, length] = (bytes[0] ?? 0) >> 4 === 6 ? [8, 16] : [12, 4];
  const address = (at: number): Uint8Array => bytes.subarray(at, at + length);
  return Buffer.compare(address(source), address(source + length)) === 0;
}
