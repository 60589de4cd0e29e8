/**
 * The datapath of a node, opened, and opened anew in place of one that goes on judging until the new one has tables: after
 * drift, after an error, or to have larger tables.
 */
import type { Delta } from '../compiler/tables.ts';
import type { Datapath } from '../datapath/datapath.ts';
import type { MissingRoom } from '../datapath/datapath-full.ts';
import type { TableCapacity } from '../datapath/table-capacity.ts';
import { BulkheadError, failure, failureOf } from '../errors.ts';
import type { TableGrowth } from './table-growth.ts';

/** With tables of these capacities; what is in the kernel goes on enforcing until its first `apply`. */
export type OpenDatapath = (capacity: Partial<TableCapacity>) => Datapath;

export class OpenedDatapath {
  readonly #open: OpenDatapath;
  /** Undefined: tables stay as they are. */
  readonly #growth: TableGrowth | undefined;
  #datapath: Datapath | undefined;
  #begun = false;

  /** Throws what opening throws. */
  constructor(open: OpenDatapath, growth: TableGrowth | undefined) {
    this.#open = open;
    this.#growth = growth;
    this.#openAgain();
  }

  /** Undefined: closed. */
  get datapath(): Datapath | undefined {
    return this.#datapath;
  }

  /** It has taken tables, be they empty: it enforces. */
  get begun(): boolean {
    return this.#begun;
  }

  /** Gives why not; programmer errors are thrown. */
  apply(delta: Delta): BulkheadError | undefined {
    return failureOf(() => {
      if (!this.#datapath) throw new BulkheadError(failure('DATAPATH_BROKEN', 'the datapath is not open'));
      this.#datapath.apply(delta);
      this.#begun = true;
    });
  }

  /**
   * It then wants all of the tables. Throws what opening throws; then the one before is still open, so that it is
   * looked after and takes changes.
   */
  openAnew(): void {
    const before = this.#datapath;
    this.#openAgain();
    before?.close();
    this.#begun = false;
  }

  /** The same; gives why not. */
  tryAnew(): BulkheadError | undefined {
    return failureOf(() => this.openAnew());
  }

  /** Whether it may be opened anew with room for what was missing; then that is how it is opened from now on. */
  grow(missing: MissingRoom): boolean {
    return this.#growth?.grow(missing) ?? false;
  }

  /** As `tryAnew`, after `grow`. Where the machine has no memory for it, tables do not grow again. */
  tryLarger(): BulkheadError | undefined {
    const why = this.tryAnew();
    if (why) this.#growth?.giveBack();
    return why;
  }

  /** Lets go of it; the kernel goes on enforcing. */
  close(): void {
    this.#datapath?.close();
    this.#datapath = undefined;
  }

  #openAgain(): void {
    this.#datapath = this.#open(this.#growth?.capacity ?? {});
  }
}
