/** When packets of nfnetlink_log were seen. The kernel stamps them with wall-clock time, which anybody may set. */
import { checked, libc } from './libc.ts';
import { u64Of } from './netlink-attributes.ts';

const clockGettime: (clock: number, time: Uint8Array) => number = libc.func('int clock_gettime(int, void *)');
const CLOCK_REALTIME = 0;

function wallClock(): bigint {
  const clock = Buffer.alloc(16);
  checked('clock_gettime', clockGettime(CLOCK_REALTIME, clock));
  return clock.readBigInt64LE(0) * 1_000_000_000n + clock.readBigInt64LE(8);
}

/** All times are nanoseconds, of CLOCK_MONOTONIC where nothing else is said. */
export class PacketClock {
  readonly #wall: () => bigint;
  #earliest = process.hrtime.bigint();

  /** `wall`: what CLOCK_REALTIME shows. */
  constructor(wall = wallClock) {
    this.#wall = wall;
  }

  /** Whatever is taken from now on was seen at this time or later: then there was nothing left to take. */
  nothingBefore(time: bigint): void {
    this.#earliest = time;
  }

  /**
   * `timestamp`: struct nfulnl_msg_packet_timestamp, if there is one. Both clocks run alike over so short a time; if
   * the wall clock was set in between, the result is still between the last look and now.
   */
  monotonic(timestamp: Uint8Array | undefined): bigint {
    const now = process.hrtime.bigint();
    if (!timestamp) return now;
    const stamped = u64Of(timestamp) * 1_000_000_000n + u64Of(timestamp.subarray(8)) * 1000n;
    const time = now - (this.#wall() - stamped);
    if (time > now) return now;
    return time < this.#earliest ? this.#earliest : time;
  }
}
