/** When an event happened, for people. */
import type { FlowEvent } from '../datapath/datapath.ts';

/** Both clocks at one moment: milliseconds since the epoch, whole ones; nanoseconds of the clock that events have. */
export interface Clocks {
  readonly wall: number;
  readonly monotonic: bigint;
}

/** More than truncation and a process that waits between two readings; who sets a clock moves it by more. */
const setBackMs = 50;

/**
 * Events in the order of their own clock have times in that order. The system's clock tells whole milliseconds, so how
 * far it is ahead of the other one is known only within one: the most that was seen counts, until the clock is set back.
 */
export class WallTime {
  #ahead = -Infinity;

  /** Milliseconds since the epoch. */
  of(event: Pick<FlowEvent, 'time'>, now: Clocks = readClocks()): number {
    const ahead = now.wall - milliseconds(now.monotonic);
    if (ahead > this.#ahead || ahead < this.#ahead - setBackMs) this.#ahead = ahead;
    return milliseconds(event.time) + this.#ahead;
  }
}

function readClocks(): Clocks {
  return { wall: Date.now(), monotonic: process.hrtime.bigint() };
}

function milliseconds(nanoseconds: bigint): number {
  return Number(nanoseconds) / 1e6;
}
