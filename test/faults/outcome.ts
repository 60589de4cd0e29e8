/** What a report of the probes means. */
import type { ProbeReport } from './probe/stream.ts';

/** Streams that begin with this may go. */
const permitted = 'permitted';

export interface Outcome {
  /** By stream: packets that should not have arrived; streams without any are left out. */
  readonly leaked: Readonly<Record<string, number>>;
  /** By stream: packets, and answers, that did not arrive although they may. */
  readonly lost: Readonly<Record<string, string>>;
  readonly longestPauseMs: number;
}

/** @throws Error where a stream sent nothing: then nothing is proven. */
export function outcomeOf({ tallies, longestPauseMs }: ProbeReport): Outcome {
  const leaked: Record<string, number> = {};
  const lost: Record<string, string> = {};
  for (const [name, tally] of Object.entries(tallies)) {
    if (tally.sent === 0) throw new Error(`${name}: nothing was sent`);
    if (!name.startsWith(permitted)) {
      if (tally.arrived > 0) leaked[name] = tally.arrived;
      continue;
    }
    if (tally.lost > 0 || tally.unanswered > 0)
      lost[name] = `${tally.lost} lost and ${tally.unanswered} unanswered of ${tally.sent}`;
  }
  return { leaked, lost, longestPauseMs };
}
