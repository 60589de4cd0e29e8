/**
 * The tables that one node programs: flat, keyed by text, no provenance. A datapath holds exactly these.
 *
 * A change is a Delta. The two address tables hold a row as it was and as it will be, and one number, the epoch, says
 * which of the two counts; a packet is judged by one epoch from its first lookup to its last. How a datapath holds both
 * is its own business (ebpf/tables.ts: two copies of the tables; table-model.ts: two values in a row). So a delta is
 * applied in three steps, none of which shows a packet anything but the old policy or the new one, whole:
 *
 *   add     ports and classes under ids that nothing refers to yet; addresses and cidrs staged: the new value written
 *           where the epoch does not reach yet
 *   commit  epoch := next
 *   sweep   (when packets that read the old epoch no longer matter) remove what is unreachable
 *
 * If anything in `add` fails (a full map), what was added is taken out again and the old policy stays.
 * The sweep of one delta comes before the `add` of the next, which may bring the same rows back. compiler/table-model.ts
 * is this in memory, one map write at a time.
 *
 * A port entry with rule 0 is a default: an allow (no tier denies) or, nested in a shorter prefix that a rule allows,
 * a deny of what that rule doesn't cover. Prefixes of a class are the fewest that give the right answers.
 */
import type { Address, Cidr } from '../objects/ip.ts';
import type { ClassId, IdentityId, PortEntry, SetId } from './program.ts';

/** A packet to or from it is dropped: inside the node's pod range, but nobody has it (yet). */
export const unprogrammedIdentity: IdentityId = 0xffffffff;

export interface AddressValue {
  /** One of those that the node's own pods don't tell apart stands for all of them (local-identities.ts). */
  readonly identity: IdentityId;
  readonly ingressSet: SetId;
  readonly egressSet: SetId;
  /** `local-pod`: enforced here. `remote`: only a peer. `local-node`: this node itself. */
  readonly role: 'local-pod' | 'remote' | 'local-node';
}

export interface AddressRow {
  readonly address: Address;
  readonly value: AddressValue;
}

export interface CidrRow {
  readonly cidr: Cidr;
  readonly identity: IdentityId;
}

export interface ClassRow {
  readonly set: SetId;
  readonly identity: IdentityId;
  readonly class: ClassId;
  /** Bit n set: the class's port table has an entry of prefix length n for some protocol. Bit 31: it has an any-protocol entry. */
  readonly lengths: number;
}

export interface PortRow extends PortEntry {
  readonly class: ClassId;
}

/** Keys: address text · cidr text · `set:identity` · `class:protocol:port/length`. */
export interface NodeTables {
  readonly addresses: ReadonlyMap<string, AddressRow>;
  readonly cidrs: ReadonlyMap<string, CidrRow>;
  readonly classes: ReadonlyMap<string, ClassRow>;
  readonly ports: ReadonlyMap<string, PortRow>;
}

/** Of addresses that change alike: those that nothing tells apart are thousands at times. */
export interface AddressChange {
  readonly addresses: readonly Address[];
  /** Undefined: not in the old table, or not in the new one. */
  readonly from?: AddressValue;
  readonly to?: AddressValue;
}

/** `from` and `to` of a row that is new, or goes: what the row that covers it says. */
export interface CidrChange {
  readonly cidr: Cidr;
  readonly from: IdentityId;
  readonly to: IdentityId;
  readonly isNew: boolean;
  readonly isGone: boolean;
}

export interface Delta {
  readonly add: {
    readonly ports: readonly PortRow[];
    readonly classes: readonly ClassRow[];
  };
  /**
   * No address and no prefix more than once. `from` of a prefix that is new must be staged as its previous value (and
   * likewise for one that goes), so that longest-prefix lookups see the same answer before and after the commit.
   */
  readonly stage: {
    readonly addresses: readonly AddressChange[];
    readonly cidrs: readonly CidrChange[];
  };
  readonly sweep: {
    readonly ports: readonly PortRow[];
    readonly classes: readonly ClassRow[];
  };
}
