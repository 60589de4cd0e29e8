/** A node's tables as nftables rules, judged by the interpreter: no root, no kernel. */
import type { Delta } from '../../../src/compiler/tables.ts';
import type { DatapathReason } from '../../../src/datapath/datapath.ts';
import { readPrefix } from '../../../src/datapath/nftables/exits.ts';
import type { LoggedVerdict } from '../../../src/datapath/nftables/exits.ts';
import { Machine } from '../../../src/datapath/nftables/machine.ts';
import type { Packet } from '../../../src/datapath/nftables/machine.ts';
import { newTable } from '../../../src/datapath/nftables/ruleset.ts';
import type { ChainOptions } from '../../../src/datapath/nftables/chains.ts';
import { defaultCapacity } from '../../../src/datapath/nftables/capacity.ts';
import { Tables } from '../../../src/datapath/nftables/tables.ts';

export const testOptions: ChainOptions = {
  podInterfacePrefix: undefined,
  logGroup: 2410,
  allowedEvents: true,
};

/** enum ip_conntrack_info by name; `none`: conntrack does not know the packet. */
export type Tracking = 'new' | 'established' | 'reply' | 'related' | 'relatedReply' | 'none';

const trackings: Readonly<Record<Tracking, Packet['conntrack']>> = {
  new: { state: 1 << 3, reply: false, confirmed: false },
  established: { state: 1 << 1, reply: false, confirmed: true },
  reply: { state: 1 << 1, reply: true, confirmed: true },
  related: { state: 1 << 2, reply: false, confirmed: false },
  relatedReply: { state: 1 << 2, reply: true, confirmed: false },
  none: undefined,
};

export interface Interpreted {
  readonly accepted: boolean;
  readonly reasons: readonly { readonly reason: DatapathReason; readonly way: 'allowed' | 'denied' }[];
  readonly rules: readonly number[];
  readonly events: readonly LoggedVerdict[];
}

export class InterpretedTables {
  readonly machine = new Machine();
  readonly tables = new Tables({
    commit: (changes) => {
      this.machine.commit(changes);
    },
    waitForPackets: () => undefined,
    owner: 1,
    capacity: defaultCapacity,
  });
  readonly #options: ChainOptions;
  #begun = false;

  constructor(options: ChainOptions = testOptions) {
    this.#options = options;
  }

  apply(delta: Delta): void {
    if (this.#begun) this.tables.apply(delta);
    else this.tables.begin(delta, newTable(this.#options).changes);
    this.#begun = true;
  }

  /** What TEST_RUN gives the programs: in and out by the loopback interface's namesake of no prefix. */
  judge(hook: Packet['hook'], bytes: Uint8Array, tracking: Tracking = 'new'): Interpreted {
    const conntrack = trackings[tracking];
    const { accepted, counted, logged } = this.machine.judge({
      bytes,
      hook,
      iif: 2,
      iifname: 'eth0',
      oif: hook === 'input' ? 0 : 2,
      reversePath: true,
      ...(conntrack ? { conntrack } : {}),
    });
    return {
      accepted,
      reasons: counted.flatMap((name) => {
        const [, way, reason] = /^(allowed|denied)-(.*)$/.exec(name) ?? [];
        return way ? [{ reason: reason as DatapathReason, way: way as 'allowed' | 'denied' }] : [];
      }),
      rules: counted
        .flatMap((name) => (name.startsWith('rule-') ? [Number(name.slice(5))] : []))
        .filter(Boolean),
      events: logged.map((prefix) => {
        const event = readPrefix(prefix);
        if (!event) throw new Error(`nobody reads ${prefix}`);
        return event;
      }),
    };
  }
}
