/**
 * The last flows of one node whose cluster changes all the time. Unlike a lab's log (flow-log.ts) it holds on to no
 * snapshots, each of which would be a whole cluster: who and which rule is written down when the event is taken, and
 * the rules that came closest are worked out when somebody reads, as long as the policies are still the same.
 */
import type { FlowEvent } from '../datapath/datapath.ts';
import type { FlowItem } from './flow-log.ts';
import { toFlowRecord } from './flow-record.ts';
import type { FlowRecord, ObservedEvent } from './flow-record.ts';
import type { Snapshot } from './history.ts';
import { WallTime } from './wall-time.ts';

/** What judged the events that are taken now; `version` changes with it. */
export interface Judges {
  readonly version: number;
  readonly snapshot: Snapshot;
}

type Entry =
  | {
      readonly kind: 'flow';
      readonly record: FlowRecord;
      readonly observed: Omit<ObservedEvent, 'snapshot'>;
      readonly version: number;
    }
  | Extract<FlowItem, { kind: 'lost' }>;

const capacity = 20_000;

export class FlowJournal {
  readonly #node: string;
  readonly #judges: () => Judges;
  readonly #wallTime = new WallTime();
  readonly #followers = new Set<(item: FlowItem) => void>();
  #entries: Entry[] = [];

  constructor(node: string, judges: () => Judges) {
    this.#node = node;
    this.#judges = judges;
  }

  get followed(): boolean {
    return this.#followers.size > 0;
  }

  /** Must be called before what judged the event changes. */
  add(event: FlowEvent): void {
    const { version, snapshot } = this.#judges();
    const observed = { node: this.#node, event, wallTime: this.#wallTime.of(event) };
    const record = toFlowRecord([{ ...observed, snapshot }], { nearMisses: false });
    this.#store({ kind: 'flow', record, observed, version });
  }

  /** Events that found no room in the kernel, or for which there was no time. */
  addLost(events: number): void {
    this.#store({ kind: 'lost', events });
  }

  *newestFirst(): Generator<FlowItem> {
    for (let index = this.#entries.length - 1; index >= 0; index -= 1) {
      const entry = this.#entries[index];
      if (entry) yield this.#explain(entry);
    }
  }

  /** Calls back for each flow from now on; returns what ends that. */
  follow(onItem: (item: FlowItem) => void): () => void {
    this.#followers.add(onItem);
    return () => this.#followers.delete(onItem);
  }

  #explain(entry: Entry): FlowItem {
    if (entry.kind === 'lost') return entry;
    const { version, snapshot } = this.#judges();
    if (entry.version !== version) return { kind: 'flow', record: entry.record };
    return { kind: 'flow', record: toFlowRecord([{ ...entry.observed, snapshot }]) };
  }

  #store(entry: Entry): void {
    this.#entries.push(entry);
    if (this.#entries.length > capacity * 1.25) this.#entries = this.#entries.slice(-capacity);
    if (this.#followers.size === 0) return;
    const item = this.#explain(entry);
    for (const follower of this.#followers) follower(item);
  }
}
