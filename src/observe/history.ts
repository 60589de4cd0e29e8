/**
 * Which policies were enforced when: an event is explained by what the kernel held at its time, not by what it holds
 * when somebody reads the event.
 */
import type { Legend } from '../compiler/program.ts';
import type { FlowEvent } from '../datapath/datapath.ts';
import type { Cluster } from '../objects/model.ts';
import type { Policy } from '../policy/ir.ts';

export interface Snapshot {
  readonly cluster: Cluster;
  readonly policies: readonly Policy[];
  readonly legend: Legend;
  /** Of policies that are enforced in another version than they were given in, by id. */
  readonly refusals?: Pick<ReadonlyMap<string, PolicyRefusal>, 'get'>;
}

export interface PolicyRefusal {
  /** As in docs/errors.md. */
  readonly code: string;
  readonly message: string;
  /** `previous`: the version before; `closed`: the pods that it selects are isolated, and nobody may reach them. */
  readonly enforced: 'previous' | 'closed';
}

interface Entry {
  /** CLOCK_MONOTONIC nanoseconds: no packet before this saw the snapshot. */
  readonly since: bigint;
  readonly snapshot: Snapshot;
}

/** Events wait at most some drain intervals, so a handful of changes is history enough. */
const keptSnapshots = 16;

export class History {
  readonly #entries: Entry[] = [];

  get newest(): Snapshot | undefined {
    return this.#entries.at(-1)?.snapshot;
  }

  /** `since` is the time (CLOCK_MONOTONIC, ns) at which the change began. */
  add(since: bigint, snapshot: Snapshot): void {
    this.#entries.push({ since, snapshot });
    if (this.#entries.length > keptSnapshots) this.#entries.shift();
  }

  /**
   * The snapshot that judged the event. A change takes effect some time after it began, so of those that began
   * before the event the newest one that knows the event's ids is taken.
   */
  at(event: FlowEvent): Snapshot | undefined {
    const begun = this.#entries.filter((entry) => entry.since <= event.time);
    const knowing = begun.findLast((entry) => knows(entry.snapshot.legend, event));
    return (knowing ?? begun.at(-1) ?? this.#entries[0])?.snapshot;
  }
}

function knows(legend: Legend, { egress, ingress }: FlowEvent): boolean {
  return [egress, ingress].every(
    ({ rule, set }) => (rule === 0 || legend.rules.has(rule)) && (set === 0 || legend.sets.has(set)),
  );
}
