/** Takes flow events out of the kernel, no more than there is time for: the kernel counts what it has to drop. */
import type { Datapath } from '../datapath/datapath.ts';
import type { FlowJournal } from '../observe/flow-journal.ts';

const intervalMs = { followed: 10, unfollowed: 100 } as const;

/** Explaining one takes some 20 µs: a tenth of a processor at the most while nobody looks. */
const eventsPerTurn = 512;

export class EventDrain {
  readonly #journal: FlowJournal;
  readonly #datapath: () => Datapath | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lost = 0n;

  constructor(journal: FlowJournal, datapath: () => Datapath | undefined) {
    this.#journal = journal;
    this.#datapath = datapath;
  }

  start(): void {
    this.#timer = setTimeout(
      () => {
        this.drain();
        this.start();
      },
      this.#journal.followed ? intervalMs.followed : intervalMs.unfollowed,
    );
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** Also to be called ahead of each change: events are explained by what judged them. */
  drain(): void {
    this.#datapath()?.drainEvents(eventsPerTurn, (event) => this.#journal.add(event));
  }

  /** How many the kernel has had to drop so far. */
  noteLost(total: bigint): void {
    if (total > this.#lost) this.#journal.addLost(Number(total - this.#lost));
    this.#lost = total;
  }
}
