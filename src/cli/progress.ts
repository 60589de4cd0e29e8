import type { Stream } from './context.ts';

/** What is being done right now, on the last line of the terminal; gone without a trace when it is done. */
export interface Progress {
  readonly stage: (text: string) => void;
  readonly done: () => void;
}

const eraseLine = '\r\u001b[K';

/** Stages are announced, not timed: the work between two of them is synchronous, so no timer could speak up in time. */
export function progressOn(stderr: Stream, quiet: boolean): Progress {
  if (!stderr.isTerminal || quiet) return { stage: () => undefined, done: () => undefined };
  let shown = false;
  return {
    stage: (text) => {
      stderr.write(`${eraseLine}${text} …`);
      shown = true;
    },
    done: () => {
      if (shown) stderr.write(eraseLine);
      shown = false;
    },
  };
}
