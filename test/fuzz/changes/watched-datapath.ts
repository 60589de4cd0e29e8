/** A datapath in memory that looks, after every single map write, at what packets would see. */
import { deepStrictEqual, ok } from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { TableModel } from '../../../src/compiler/table-model.ts';
import type { Delta } from '../../../src/compiler/tables.ts';
import type { Datapath } from '../../../src/datapath/datapath.ts';
import { BulkheadError, failure } from '../../../src/errors.ts';
import type { Flow } from '../../../src/policy/verdict.ts';

type Verdicts = readonly boolean[];

export class WatchedDatapath implements Datapath {
  readonly model = new TableModel();
  refuses = false;
  writes = 0;
  readonly #room: number;
  #flows: readonly Flow[] = [];
  /** The verdicts of the tables before, and of those that the change is to lead to. */
  #wholes: readonly Verdicts[] = [];
  readonly #ofEpoch = new Map<number, Verdicts>();

  constructor(room: number) {
    this.#room = room;
  }

  /** From now on the flows get the verdicts that they have now, or all of them those of `next`. */
  watch(flows: readonly Flow[], next: TableModel): void {
    this.#flows = flows;
    this.#wholes = [this.verdicts(flows), flows.map((flow) => next.judge(flow).allowed)];
    this.#ofEpoch.clear();
  }

  verdicts(flows: readonly Flow[], epoch = this.model.epoch): Verdicts {
    return flows.map((flow) => this.model.judge(flow, epoch).allowed);
  }

  apply(delta: Delta): void {
    // What the delta before left makes room.
    this.sweep();
    if (this.refuses || this.model.size + newRows(delta) > this.#room)
      throw new BulkheadError(failure('DATAPATH_FULL', 'no room'));
    const inFlight = this.model.epoch;
    for (const _ of this.model.applySteps(delta)) this.#look([this.model.epoch, inFlight]);
  }

  sweep(): void {
    for (const _ of this.model.sweepSteps()) this.#look([this.model.epoch]);
  }

  #look(epochs: readonly number[]): void {
    this.writes += 1;
    for (const epoch of new Set(epochs)) {
      const seen = this.verdicts(this.#flows, epoch);
      const known = this.#ofEpoch.get(epoch);
      if (known)
        deepStrictEqual(seen, known, 'a packet sees another policy after a write that was not the commit');
      ok(
        this.#wholes.some((whole) => isDeepStrictEqual(whole, seen)),
        'a packet sees neither the old policy nor the new one',
      );
      this.#ofEpoch.set(epoch, seen);
    }
  }

  counters(): never {
    throw new Error('not asked for');
  }

  audit(): [] {
    return [];
  }

  intact(): boolean {
    return true;
  }

  drainEvents(): void {}

  close(): void {}

  detach(): void {}
}

function newRows({ add, stage }: Delta): number {
  const addresses = stage.addresses.flatMap((change) => (change.from ? [] : change.addresses));
  const cidrs = stage.cidrs.filter(({ isNew }) => isNew);
  return add.ports.length + add.classes.length + addresses.length + cidrs.length;
}
