/**
 * The datapath of a node, opened, and opened anew in place of one that goes on judging until the new one has tables: after
 * drift, after an error, or to have larger tables.
 */
import type { Delta } from '../compiler/tables.ts';
import type { RuleId } from '../compiler/program.ts';
import type { Counters, Datapath } from '../datapath/datapath.ts';
import type { MissingRoom } from '../datapath/datapath-full.ts';
import type { TableCapacity } from '../datapath/table-capacity.ts';
import { BulkheadError, failure, failureOf } from '../errors.ts';
import type { Origin } from '../policy/ir.ts';
import { RunningCounters } from './running-counters.ts';
import type { TableGrowth } from './table-growth.ts';

/** With tables of these capacities; what is in the kernel goes on enforcing until its first `apply`. */
export type OpenDatapath = (capacity: Partial<TableCapacity>) => Datapath;

export class OpenedDatapath {
  readonly #open: OpenDatapath;
  /** Undefined: tables stay as they are. */
  readonly #growth: TableGrowth | undefined;
  /** Of the rules that there are now, be it in the middle of a change. */
  readonly #origins: () => ReadonlyMap<RuleId, Origin>;
  readonly #counted = new RunningCounters();
  #datapath: Datapath | undefined;
  #begun = false;

  /** Throws what opening throws. */
  constructor(
    open: OpenDatapath,
    growth: TableGrowth | undefined,
    origins: () => ReadonlyMap<RuleId, Origin>,
  ) {
    this.#open = open;
    this.#growth = growth;
    this.#origins = origins;
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

  /** Of all that were opened, together. */
  counters(origins: ReadonlyMap<RuleId, Origin>): Counters {
    // Before it has tables, what it reads may be another's.
    if (this.#datapath && this.#begun) this.#counted.take(this.#datapath.counters(), origins);
    return this.#counted.totals;
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
    if (before && this.#begun) this.#takeLast(before);
    before?.close();
    this.#counted.startAnew();
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

  #takeLast(datapath: Datapath): void {
    try {
      this.#counted.take(datapath.counters(), this.#origins());
    } catch {
      // Perhaps that is why it is made anew. What was read of it before goes on counting.
    }
  }

  #openAgain(): void {
    this.#datapath = this.#open(this.#growth?.capacity ?? {});
  }
}
