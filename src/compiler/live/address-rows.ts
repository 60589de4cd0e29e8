/** The address rows of one node, and how they differ from those that were last accepted. */
import type { Address } from '../../objects/ip.ts';
import { sameValue } from '../delta.ts';
import type { AddressRow, AddressValue, Delta } from '../tables.ts';
import type { Held } from './model.ts';

type StagedAddress = Delta['stage']['addresses'][number];

/**
 * A new set can tell thousands of addresses apart that nobody told apart before: their rows change in place, and are
 * found by the number of who holds them, not by text.
 */
export class AddressRows {
  readonly #rows = new Map<string, TrackedAddress>();
  /** The same, by Held.index. */
  readonly #byIndex: (TrackedAddress | undefined)[] = [];
  /** Since they were accepted. */
  readonly #touched: TrackedAddress[] = [];
  readonly #gone = new Map<string, TrackedAddress>();

  get rows(): ReadonlyMap<string, AddressRow> {
    return this.#rows;
  }

  get isTouched(): boolean {
    return this.#touched.length > 0;
  }

  get({ index }: Held): AddressValue | undefined {
    return this.#byIndex[index]?.value;
  }

  set(held: Held, value: AddressValue): void {
    const row = this.#byIndex[held.index] ?? this.#add(held, value);
    if (row.become(value)) this.#touched.push(row);
  }

  delete({ index, address }: Held): void {
    const row = this.#byIndex[index];
    if (!row) return;
    this.#byIndex[index] = undefined;
    this.#rows.delete(address.text);
    this.#gone.set(address.text, row);
    if (row.vanish()) this.#touched.push(row);
  }

  /** Rows that came and went again are left out, and so are those that are again as they were. */
  changes(): StagedAddress[] {
    const staged: StagedAddress[] = [];
    for (const row of this.#touched) {
      const change = row.change();
      if (change) staged.push(change);
    }
    return staged;
  }

  accept(): void {
    for (const row of this.#touched) row.accept();
    this.#touched.length = 0;
    this.#gone.clear();
  }

  #add({ index, address }: Held, value: AddressValue): TrackedAddress {
    const row = this.#gone.get(address.text) ?? new TrackedAddress(address, value);
    this.#gone.delete(address.text);
    this.#byIndex[index] = row;
    this.#rows.set(address.text, row);
    return row;
  }
}

class TrackedAddress implements AddressRow {
  readonly address: Address;
  value: AddressValue;
  #isThere = false;
  #isTouched = false;
  #accepted: AddressValue | undefined;

  constructor(address: Address, value: AddressValue) {
    this.address = address;
    this.value = value;
  }

  /** True for its first change since it was accepted. */
  become(value: AddressValue): boolean {
    if (this.#isThere && sameValue(this.value, value)) return false;
    const isFirst = this.#touch();
    this.#isThere = true;
    this.value = value;
    return isFirst;
  }

  /** Likewise. */
  vanish(): boolean {
    const isFirst = this.#touch();
    this.#isThere = false;
    return isFirst;
  }

  change(): StagedAddress | undefined {
    const { address, value } = this;
    const from = this.#accepted;
    if (!this.#isThere) return from && { address, from };
    if (!from) return { address, to: value };
    return sameValue(from, value) ? undefined : { address, from, to: value };
  }

  accept(): void {
    this.#isTouched = false;
    this.#accepted = undefined;
  }

  #touch(): boolean {
    if (this.#isTouched) return false;
    this.#isTouched = true;
    this.#accepted = this.#isThere ? this.value : undefined;
    return true;
  }
}
