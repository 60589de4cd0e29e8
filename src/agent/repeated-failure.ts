/** What is tried again and again fails in the same way many times; the log says so once for each kind of failure in a row. */
import type { BulkheadError } from '../errors.ts';
import type { Logger } from './log.ts';

/** Gets the outcome of each attempt; undefined: it succeeded. */
export function warnOfFailures(logger: Logger): (error: BulkheadError | undefined) => void {
  let failing: string | undefined;
  return (error) => {
    if (error && error.code !== failing) logger.log('warn', error.diagnostics[0]?.message ?? error.message);
    failing = error?.code;
  };
}
