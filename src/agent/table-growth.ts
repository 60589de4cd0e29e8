/**
 * How large the tables of a node are: as large as they have to be, and all together no larger than the operator allows.
 * Datapaths fix that when they are opened, so a larger table means a new datapath, filled from nothing while the one
 * before goes on judging. Tables never become smaller: else whoever writes policies could make an agent fill its tables
 * again and again.
 */
import type { MissingRoom } from '../datapath/datapath-full.ts';
import type { TableCapacity } from '../datapath/table-capacity.ts';

export interface TableGrowthOptions {
  /** Bytes that tables of these capacities take; what is left out is as the datapath has it by default. */
  readonly bytesOf: (capacity: Partial<TableCapacity>) => number;
  /** Bytes. */
  readonly limit: number;
}

export class TableGrowth {
  readonly #bytesOf: TableGrowthOptions['bytesOf'];
  #limit: number;
  #capacity: Partial<TableCapacity> = {};
  /** Before the last growth. */
  #smaller: Partial<TableCapacity> = {};

  constructor({ bytesOf, limit }: TableGrowthOptions) {
    this.#bytesOf = bytesOf;
    this.#limit = limit;
  }

  /** Of the datapath to be opened; what is left out is as it has it by default. */
  get capacity(): Partial<TableCapacity> {
    return this.#capacity;
  }

  /** What they take, and what they may. */
  get bytes(): { readonly taken: number; readonly limit: number } {
    return { taken: this.#bytesOf(this.#capacity), limit: this.#limit };
  }

  /** Makes room for what was missing; false: it may not. */
  grow({ what, capacity, needed = capacity + 1 }: MissingRoom): boolean {
    if (what === 'identities') return false;
    const larger = { ...this.#capacity, [what]: doubled(capacity, needed) };
    if (this.#bytesOf(larger) > this.#limit) return false;
    this.#smaller = this.#capacity;
    this.#capacity = larger;
    return true;
  }

  /** The machine does not have what the last growth asks for: tables stay as they were before it. */
  giveBack(): void {
    this.#capacity = this.#smaller;
    this.#limit = this.bytes.taken;
  }
}

/** As often as it takes, so that the next few rows need no new datapath. */
function doubled(capacity: number, needed: number): number {
  return capacity * 2 ** Math.ceil(Math.log2(needed / capacity));
}
