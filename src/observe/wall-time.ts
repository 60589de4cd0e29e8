/** When an event happened, for people. */
import type { FlowEvent } from '../datapath/datapath.ts';

/** Milliseconds since the epoch. Both clocks run alike over the short time between an event and its drain. */
export function wallTimeOf(event: FlowEvent): number {
  return Date.now() - Number(process.hrtime.bigint() - event.time) / 1e6;
}
