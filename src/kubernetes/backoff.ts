/**
 * How long to wait before trying again: at random up to a bound that doubles with each failure ("full jitter"), so that
 * a thousand agents that lost one server do not come back all at once.
 */
export interface BackoffLimits {
  /** The bound after the first failure, in milliseconds. */
  readonly firstMs: number;
  readonly maxMs: number;
}

/** A server may ask for more time than that and will not get it: policies would go stale. */
const maxRetryAfterMs = 120_000;

export class Backoff {
  readonly #limits: BackoffLimits;
  #failures = 0;

  constructor(limits: BackoffLimits) {
    this.#limits = limits;
  }

  /** Things went well: the next failure is the first again. */
  reset(): void {
    this.#failures = 0;
  }

  /** Counts a failure; milliseconds to wait. `retryAfter`, in seconds, is what the server asks for at least. */
  next(retryAfter = 0): number {
    const { firstMs, maxMs } = this.#limits;
    const bound = Math.min(maxMs, firstMs * 2 ** this.#failures);
    // Beyond 2³² the bound would be the maximum anyway.
    this.#failures = Math.min(this.#failures + 1, 32);
    return Math.min(maxRetryAfterMs, retryAfter * 1000) + Math.random() * bound;
  }
}
