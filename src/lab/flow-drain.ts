/**
 * Takes flow events out of the kernel's ring buffers: every few milliseconds while somebody follows, rarely otherwise,
 * so that an idle lab costs no CPU time.
 */
import type { Datapath } from '../datapath/datapath.ts';
import type { FlowLog } from '../observe/flow-log.ts';

const intervalMs = { followed: 5, unfollowed: 100 } as const;

/** Reading counters costs more than looking for events, and a loss is told early enough at this pace. */
const countersEveryMs = 1000;

/** Events of one node per turn; a flood is taken in turns, so that requests are still answered. */
const batch = 4096;

export class FlowDrain {
  readonly #log: FlowLog;
  readonly #datapaths: () => ReadonlyMap<string, Datapath>;
  readonly #lost = new Map<string, bigint>();
  #timer: NodeJS.Timeout | undefined;
  #nextCounters = 0;

  constructor(log: FlowLog, datapaths: () => ReadonlyMap<string, Datapath>) {
    this.#log = log;
    this.#datapaths = datapaths;
  }

  start(): void {
    this.#timer = setTimeout(
      () => {
        this.drain();
        this.start();
      },
      this.#log.followed ? intervalMs.followed : intervalMs.unfollowed,
    );
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** Also called ahead of each change, so that events meet the snapshot that judged them. */
  drain(): void {
    const now = performance.now();
    const countersDue = now >= this.#nextCounters;
    if (countersDue) this.#nextCounters = now + countersEveryMs;
    for (const [node, datapath] of this.#datapaths()) {
      datapath.drainEvents(batch, (event) => this.#log.add(node, event));
      if (countersDue) this.#countLost(node, datapath);
    }
    this.#log.settle();
  }

  #countLost(node: string, datapath: Datapath): void {
    const { lostEvents } = datapath.counters();
    const before = this.#lost.get(node) ?? 0n;
    if (lostEvents > before) this.#log.addLost(Number(lostEvents - before));
    this.#lost.set(node, lostEvents);
  }
}
