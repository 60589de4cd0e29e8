/**
 * Again and again: does the kernel still hold what it should? Somebody may have flushed the ruleset, detached a link,
 * deleted a pin: that is seen at once; other differences in each round. What differs is counted and told, and the
 * datapath is made anew with everything in it. Policies that were refused are offered again.
 */
import type { Drift } from '../datapath/datapath.ts';
import { BulkheadError } from '../errors.ts';
import type { Logger } from './log.ts';
import type { AgentMetrics } from './metrics/agent-metrics.ts';
import type { NodeEnforcer } from './node-enforcer.ts';

/** How often it is asked whether the hooks are as they were: a few dozen microseconds each time. */
const watchMs = 25;
/** Between two attempts to mend what does not let itself be mended. */
const mendingMs = 1000;

export interface ResyncOptions {
  readonly enforcer: NodeEnforcer;
  readonly logger: Logger;
  readonly metrics: AgentMetrics;
  readonly periodMs: number;
  /** Called ahead of what may change what judges packets. */
  readonly changing: () => void;
  /** Called after each round. */
  readonly done: () => void;
}

export class Resync {
  readonly #options: ResyncOptions;
  #timer: NodeJS.Timeout | undefined;
  /** The round that is under way. */
  #round: { readonly steps: Iterator<readonly Drift[]>; drifts: number } | undefined;
  #watching: NodeJS.Timeout | undefined;
  /** The datapath was to be made anew, and could not be opened: the next round tries again. */
  #isOverdue = false;
  /** Not before, as `performance.now()`: what could not be mended is not tried at every look. */
  #nextMending = 0;

  constructor(options: ResyncOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => this.run(), this.#options.periodMs);
    this.#watching = setInterval(() => this.#look(), watchMs);
  }

  stop(): void {
    clearInterval(this.#timer);
    clearInterval(this.#watching);
    this.#round = undefined;
  }

  /** Begins a round, unless the one before is still under way. */
  run(): void {
    if (this.#round) return;
    const { enforcer, metrics } = this.#options;
    metrics.resyncs.inc();
    this.#round = { steps: enforcer.audit(), drifts: 0 };
    this.#step();
  }

  /** Where what judges packets is gone, nobody waits for the next round. */
  #look(): void {
    const { enforcer } = this.#options;
    const now = performance.now();
    if (now < this.#nextMending || enforcer.intact) return;
    this.#round = undefined;
    this.run();
    this.#nextMending = enforcer.intact ? 0 : now + mendingMs;
  }

  /** Makes the datapath anew with what is now known of the node. */
  rebuild(): void {
    this.#guarded(() => {
      this.#options.changing();
      this.#rebuild();
      this.#options.done();
    });
  }

  /** One step of the audit; whatever else waits goes before the next. */
  #step(): void {
    const round = this.#round;
    if (!round) return;
    this.#guarded(() => {
      this.#round = undefined;
      const { value, done } = round.steps.next();
      if (done) return this.#conclude(round.drifts);
      for (const drift of value) this.#report(drift);
      const drifts = round.drifts + value.length;
      // Where nothing judges packets any more, how the tables are can wait.
      if (drifts > 0 && !this.#options.enforcer.intact) return this.#conclude(drifts);
      this.#round = { ...round, drifts };
      setImmediate(() => this.#step());
    });
  }

  #report({ kind, detail }: Drift): void {
    const { logger, metrics } = this.#options;
    metrics.drift.inc({ kind });
    logger.log('error', `the kernel is not as it should be: ${detail}`, { drift: kind });
  }

  #conclude(drifts: number): void {
    const { enforcer, changing, done } = this.#options;
    changing();
    if (drifts > 0 || this.#isOverdue || enforcer.behind?.code === 'DATAPATH_BROKEN') this.#rebuild();
    else enforcer.retryRefused();
    done();
  }

  #rebuild(): void {
    const { enforcer, logger } = this.#options;
    this.#isOverdue = true;
    const { rows } = enforcer.rebuild();
    this.#isOverdue = false;
    if (!enforcer.behind) logger.log('info', 'the datapath was made anew', { rows });
  }

  /** Whatever goes wrong, the kernel keeps what it has, and the next round tries again. */
  #guarded(action: () => void): void {
    const { logger, done } = this.#options;
    try {
      action();
    } catch (error) {
      const code = error instanceof BulkheadError ? error.code : 'INTERNAL';
      logger.log('error', error instanceof Error ? error.message : String(error), { code });
      done();
    }
  }
}
