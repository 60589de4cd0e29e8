/**
 * Lines that others can cause: whoever may write objects in one namespace must not fill the log of every node. So many at
 * once, so many a second afterwards; how many were left out, the next one says.
 */
import type { LogFields, Logger, LogLevel } from './log.ts';

export interface LogLimitOptions {
  readonly logger: Logger;
  /** At once. */
  readonly burst: number;
  readonly perSecond: number;
  /** Milliseconds; as `performance.now()`. */
  readonly now?: () => number;
}

/** For what tenants cause. */
export const ofOthers = { burst: 50, perSecond: 1 } as const;

export class LogLimit implements Logger {
  readonly #options: LogLimitOptions;
  readonly #now: () => number;
  #room: number;
  #since: number;
  #leftOut = 0;

  constructor(options: LogLimitOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#room = options.burst;
    this.#since = this.#now();
  }

  log(level: LogLevel, message: string, fields: LogFields = {}): void {
    const { logger, burst, perSecond } = this.#options;
    const now = this.#now();
    this.#room = Math.min(burst, this.#room + ((now - this.#since) / 1000) * perSecond);
    this.#since = now;
    if (this.#room < 1) {
      this.#leftOut += 1;
      return;
    }
    this.#room -= 1;
    const leftOut = this.#leftOut;
    this.#leftOut = 0;
    logger.log(level, message, leftOut === 0 ? fields : { ...fields, leftOut });
  }
}
