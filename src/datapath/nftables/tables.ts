/**
 * One node's tables in an nf_tables table, changed so that a packet sees the old policy or the new one, whole.
 *
 * A transaction is atomic, but a packet's lookups are not: one that is being judged while a transaction commits can see
 * the old content of one set and the new content of another. So what a delta changes exists in two versions (addresses
 * and ranges), a packet is led into the rules of one of them at its hook, and a delta is made in the other one, in one
 * transaction with the rule at the hook. What both versions share is never changed: an id stands for its content.
 * Afterwards (`sweep`), when no packet is in the version that went out of use, it gets the same delta, and what is
 * unreachable is removed.
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
import { otherVersion } from './sets.ts';
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

  /** The first delta, which holds everything; `made` makes the table, perhaps in place of another. */
  begin(delta: Delta, made: readonly Change[]): void {
    this.#change(delta, { before: made, after: enter(this.#mark(this.#version)), into: this.#version });
  }

  /** The first delta, to a table that is there and means the same by the ids that it holds. */
  adopt(delta: Delta, adopted: Adopted): void {
    requireRoom(adopted.sizes, 0, this.#options.capacity);
    const version = otherVersion(adopted.inForce.version);
    this.#options.commit([...change(adopted.inForce, this.#mark(version)), ...adopted.changes]);
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
    const before = change(this.#mark(this.#version), this.#mark(into));
    this.#change(delta, { before, after: [], into });
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

  #change(
    delta: Delta,
    { before, after, into }: { before: readonly Change[]; after: readonly Change[]; into: Version },
  ): void {
    const cidrs = nextCidrs(this.#cidrs, delta.stage.cidrs);
    const ranges = cidrs === this.#cidrs ? this.#ranges[into] : rangesOf(cidrs);
    const uses = usesAfter(this.#uses, portTables(delta.add.ports), 1);
    const edit = combined(
      { remove: [], add: sharedEntries(delta.add) },
      addressEdit(into, delta.stage),
      rangeEdit(into, this.#ranges[into], ranges),
    );
    const sizes = sizesAfter(this.#sizes, edit);
    // What the sweep removes needs no room.
    const swept = sizesAfter(sizes, { remove: sharedEntries(delta.sweep), add: [] });
    const left = usesAfter(uses, portTables(delta.sweep.ports), -1);
    requireRoom(swept, left.size, this.#options.capacity);
    this.#options.commit([...before, ...newRules(this.#uses, uses), ...editChanges(edit), ...after]);
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
      addressEdit(version, delta.stage),
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
