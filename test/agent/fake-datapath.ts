import { TableModel } from '../../src/compiler/table-model.ts';
import type { Delta } from '../../src/compiler/tables.ts';
import { reasons } from '../../src/datapath/datapath.ts';
import type { Counters, Datapath, Drift } from '../../src/datapath/datapath.ts';
import { DatapathFull } from '../../src/datapath/datapath-full.ts';
import { BulkheadError, failure } from '../../src/errors.ts';

const none = { packets: 0n, bytes: 0n };
const nothingCounted: Counters = {
  rules: new Map(),
  reasons: Object.fromEntries(
    reasons.map((reason) => [reason, { allowed: none, denied: none }]),
  ) as Counters['reasons'],
  lostEvents: 0n,
};

/** A datapath in memory that can be told to refuse, or to hold so many ports only, as one whose map is full. */
export class FakeDatapath implements Datapath {
  readonly model = new TableModel();
  refuses = false;
  portCapacity = Infinity;
  /** The same, where it says what is missing, so that it may be made anew with more. */
  growablePorts = Infinity;
  closed = false;
  /** How often it was offered something. */
  offers = 0;
  /** Undefined: it can't be asked. */
  counted: Counters | undefined = nothingCounted;
  drifts: readonly Drift[] = [];
  #ports = 0;

  apply(delta: Delta): void {
    this.offers += 1;
    const ports = this.#ports + delta.add.ports.length - delta.sweep.ports.length;
    if (this.refuses || ports > this.portCapacity)
      throw new BulkheadError(failure('DATAPATH_FULL', 'no room'));
    if (ports > this.growablePorts)
      throw new DatapathFull({ what: 'ports', capacity: this.growablePorts, needed: ports });
    this.model.apply(delta);
    this.model.sweep();
    this.#ports = ports;
  }

  sweep(): void {
    this.model.sweep();
  }

  counters(): Counters {
    if (!this.counted) throw new Error('it can not be asked');
    return this.counted;
  }

  audit(): Iterable<readonly Drift[]> {
    return [this.drifts];
  }

  intact(): boolean {
    return this.drifts.length === 0;
  }

  drainEvents(): void {}

  close(): void {
    this.closed = true;
  }

  detach(): void {}
}
