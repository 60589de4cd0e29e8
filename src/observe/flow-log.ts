/** The last flows of a lab, and whoever follows them. Bounded: old flows give way, and those of policies that are long gone. */
import type { FlowEvent } from '../datapath/datapath.ts';
import { FlowJoiner } from './flow-join.ts';
import type { Connection } from './flow-join.ts';
import { WallTime } from './wall-time.ts';
import { toFlowRecord } from './flow-record.ts';
import type { FlowRecord } from './flow-record.ts';
import { History } from './history.ts';
import type { Snapshot } from './history.ts';

/** `lost`: that many events found no room between the kernel and us. */
export type FlowItem =
  { readonly kind: 'flow'; readonly record: FlowRecord } | { readonly kind: 'lost'; readonly events: number };

type Stored =
  { readonly kind: 'flow'; readonly connection: Connection } | Extract<FlowItem, { kind: 'lost' }>;

const capacity = 20_000;

/** Each that flows hold on to is a whole cluster in memory. */
const mostSnapshots = 100;

export class FlowLog {
  readonly history = new History();
  readonly #joiner = new FlowJoiner();
  readonly #wallTime = new WallTime();
  readonly #followers = new Set<(item: FlowItem) => void>();
  #items: Stored[] = [];
  /** Those of the flows in the log, oldest first. */
  #snapshots = new Set<Snapshot>();

  get followed(): boolean {
    return this.#followers.size > 0;
  }

  /** Takes an event that `node` reported; nothing is kept of events from before the first snapshot. */
  add(node: string, event: FlowEvent): void {
    const snapshot = this.history.at(event);
    if (!snapshot) return;
    const connection = this.#joiner.add({ node, event, snapshot, wallTime: this.#wallTime.of(event) });
    if (connection) this.#store({ kind: 'flow', connection });
  }

  addLost(events: number): void {
    this.#store({ kind: 'lost', events });
  }

  /** Call after each drain: lets go of halves whose other half won't come. */
  settle(): void {
    for (const connection of this.#joiner.expired(process.hrtime.bigint()))
      this.#store({ kind: 'flow', connection });
  }

  /** Newest first; explained one by one as the reader asks for them. */
  *newestFirst(): Generator<FlowItem> {
    for (let index = this.#items.length - 1; index >= 0; index--) {
      const stored = this.#items[index];
      if (stored) yield explain(stored);
    }
  }

  /** Calls back for each flow from now on; returns what ends that. */
  follow(onItem: (item: FlowItem) => void): () => void {
    this.#followers.add(onItem);
    return () => this.#followers.delete(onItem);
  }

  #store(stored: Stored): void {
    this.#items.push(stored);
    // Cut rarely and in bulk: shifting an array of this size for each event would cost more than the event.
    if (this.#items.length > capacity * 1.25) this.#items = this.#items.slice(-capacity);
    if (stored.kind === 'flow') this.#snapshots.add(stored.connection[0].snapshot);
    if (this.#snapshots.size > mostSnapshots * 1.25) this.#forgetSnapshots();
    if (this.#followers.size === 0) return;
    const item = explain(stored);
    for (const follower of this.#followers) follower(item);
  }

  #forgetSnapshots(): void {
    const kept = new Set([...this.#snapshots].slice(-mostSnapshots));
    this.#items = this.#items.filter(
      (item) => item.kind === 'lost' || item.connection.every(({ snapshot }) => kept.has(snapshot)),
    );
    this.#snapshots = kept;
  }
}

function explain(stored: Stored): FlowItem {
  return stored.kind === 'lost' ? stored : { kind: 'flow', record: toFlowRecord(stored.connection) };
}
