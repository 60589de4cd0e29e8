/**
 * One node's tables in an nf_tables table, changed so that a packet sees the old policy or the new one, whole.
 *
 * A transaction is atomic, but a packet's lookups are not: one that is being judged while a transaction commits can see
 * the old content of one set and the new content of another. So what a delta changes exists in two versions (addresses
 * and ranges), a packet is led into the rules of one of them at its hook, and a delta is made in the other one, in one
 * transaction with the rule at the hook. What both versions share is never changed: an id stands for its content.
 * Afterwards (`sweep`), when no packet is in the version that went out of use, it gets the same delta, and what is
 * unreachable is removed.
 *
 * Of sets of ranges the kernel publishes what a transaction adds only at its end, after the rules (nft_pipapo_commit() of
 * net/netfilter/nft_set_pipapo.c). So a delta that adds to them is two transactions: the elements, then the way there.
 */
import type { CidrRow, Delta } from '../../compiler/tables.ts';
import type { Change } from '../../kernel/nftables-changes.ts';
import type { AddressRange } from './address-ranges.ts';
import type { Adopted } from './adopt.ts';
import { requireRoom, sizesAfter } from './capacity.ts';
import type { NftablesCapacity, Sizes } from './capacity.ts';
import {
  addressEdit,
  combined,
  editChanges,
  nextCidrs,
  portTables,
  rangeEdit,
  rangesOf,
  sharedEntries,
} from './entries-of-delta.ts';
import { affirm, change, enter } from './ruleset.ts';
import type { InForce } from './ruleset.ts';
import { goneRules, newRules, usesAfter } from './rule-uses.ts';
import type { RuleUses } from './rule-uses.ts';
import { isIntervalSet, otherVersion } from './sets.ts';
import type { Version } from './sets.ts';

export interface TablesOptions {
  /** Carries changes out: all or none. */
  readonly commit: (changes: readonly Change[]) => void;
  /** Returns when no packet is left that was judged before the last commit. */
  readonly waitForPackets: () => void;
  /** A number that no other process draws: who has not drawn it can't change the table any more. */
  readonly owner: number;
  readonly capacity: NftablesCapacity;
}

export class Tables {
  readonly #options: TablesOptions;
  #version: Version = 0;
  #cidrs: ReadonlyMap<string, CidrRow> = new Map();
  /** What the range sets of either version hold. */
  #ranges: Readonly<Record<Version, readonly AddressRange[]>> = { 0: [], 1: [] };
  #uses: RuleUses = new Map();
  #sizes: Sizes = new Map();
  /** What is left to do, once no packet is in the version out of use. */
  #sweep: (() => void) | undefined;

  constructor(options: TablesOptions) {
    this.#options = options;
  }

  /** The first delta, which holds everything; `made` makes the table. */
  begin(delta: Delta, made: readonly Change[]): void {
    const into = this.#version;
    this.#change(delta, { before: made, into, lead: enter(this.#mark(into)) });
  }

  /** The first delta, to a table that is there and means the same by the ids that it holds. */
  adopt(delta: Delta, adopted: Adopted): void {
    requireRoom(adopted.sizes, 0, this.#options.capacity);
    const { inForce } = adopted;
    const version = otherVersion(inForce.version);
    const own = this.#mark(inForce.version);
    // The process before may have changed versions just now.
    this.#options.waitForPackets();
    this.#options.commit([...change(inForce, own), ...adopted.changes]);
    this.#options.commit(change(own, this.#mark(version)));
    this.#version = version;
    this.#cidrs = nextCidrs(this.#cidrs, delta.stage.cidrs);
    const ranges = rangesOf(this.#cidrs);
    this.#ranges = { 0: ranges, 1: ranges };
    this.#uses = usesAfter(new Map(), portTables(delta.add.ports), 1);
    this.#sizes = adopted.sizes;
    this.#sweep = () => {
      this.#options.commit([...affirm(this.#mark(version)), ...adopted.sweep]);
    };
  }

  /** As Datapath.apply. */
  apply(delta: Delta): void {
    this.sweep();
    const into = otherVersion(this.#version);
    const own = this.#mark(this.#version);
    this.#change(delta, { before: affirm(own), into, lead: change(own, this.#mark(into)) });
  }

  /** As Datapath.sweep. */
  sweep(): void {
    if (!this.#sweep) return;
    this.#options.waitForPackets();
    this.#sweep();
    this.#sweep = undefined;
  }

  #mark(version: Version): InForce {
    return { version, owner: this.#options.owner };
  }

  /** Does what is to be done `before`, gives version `into` what `delta` asks for, and leads packets there. */
  #change(
    delta: Delta,
    { before, into, lead }: { before: readonly Change[]; into: Version; lead: readonly Change[] },
  ): void {
    const cidrs = nextCidrs(this.#cidrs, delta.stage.cidrs);
    const ranges = cidrs === this.#cidrs ? this.#ranges[into] : rangesOf(cidrs);
    const uses = usesAfter(this.#uses, portTables(delta.add.ports), 1);
    const edit = combined(
      { remove: [], add: sharedEntries(delta.add) },
      addressEdit(into, delta.stage.addresses),
      rangeEdit(into, this.#ranges[into], ranges),
    );
    const sizes = sizesAfter(this.#sizes, edit);
    // What the sweep removes needs no room.
    const swept = sizesAfter(sizes, { remove: sharedEntries(delta.sweep), add: [] });
    const left = usesAfter(uses, portTables(delta.sweep.ports), -1);
    requireRoom(swept, left.size, this.#options.capacity);
    const changes = [...before, ...newRules(this.#uses, uses), ...editChanges(edit)];
    const isLate = edit.add.some(({ set }) => isIntervalSet(set));
    for (const transaction of isLate ? [changes, lead] : [[...changes, ...lead]])
      this.#options.commit(transaction);
    this.#version = into;
    this.#cidrs = cidrs;
    this.#ranges = { ...this.#ranges, [into]: ranges };
    this.#uses = uses;
    this.#sizes = sizes;
    this.#sweep = () => {
      this.#catchUp(delta, otherVersion(into));
    };
  }

  /** Gives the version out of use what the other one has, and removes what neither reaches. */
  #catchUp(delta: Delta, version: Version): void {
    const ranges = this.#ranges[otherVersion(version)];
    const uses = usesAfter(this.#uses, portTables(delta.sweep.ports), -1);
    const edit = combined(
      addressEdit(version, delta.stage.addresses),
      rangeEdit(version, this.#ranges[version], ranges),
      { remove: sharedEntries(delta.sweep), add: [] },
    );
    const owned = affirm(this.#mark(this.#version));
    this.#options.commit([...owned, ...editChanges(edit), ...goneRules(this.#uses, uses)]);
    this.#ranges = { 0: ranges, 1: ranges };
    this.#uses = uses;
    this.#sizes = sizesAfter(this.#sizes, edit);
  }
}
