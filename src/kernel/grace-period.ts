/**
 * Waiting until whatever the kernel was doing with a packet is done. Packets are judged inside RCU read-side sections,
 * and membarrier(2) with MEMBARRIER_CMD_GLOBAL is synchronize_rcu() (kernel/sched/membarrier.c).
 */
import { libc } from './libc.ts';

const syscall: (number: number, command: number, flags: number, cpu: number) => number = libc.func(
  'long syscall(long, int, unsigned int, int)',
);

/** __NR_membarrier of asm/unistd.h. */
const membarrierNumber = process.arch === 'arm64' ? 283 : 324;
const MEMBARRIER_CMD_GLOBAL = 1;

/** Where the call is not offered (nohz_full CPUs), in milliseconds: no packet takes a thousandth of it. */
const fallbackWait = 100;

/** When the last completed wait began, by performance.now(). */
let lastBegan = -1;

/**
 * Returns once every packet that was on its way at `since` (performance.now()) has passed or been dropped: after 5 to
 * 20 ms, or at once if somebody has waited since then.
 */
export function waitForPackets(since: number): void {
  if (lastBegan > since) return;
  const began = performance.now();
  if (syscall(membarrierNumber, MEMBARRIER_CMD_GLOBAL, 0, 0) < 0)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, fallbackWait);
  lastBegan = began;
}
