/** An end for what would not end by itself. */
import { runInThisContext } from 'node:vm';

/** A hundred times what the slowest case takes on a busy machine: it tells an endless loop, not a slow one. */
const patienceMs = 30_000;

const key = '__bulkheadFuzzedCase';

/** Does it, and returns what it returns. Throws where it does not end. */
export function withinPatience<T>(action: () => T): T {
  const scope = globalThis as Record<string, unknown>;
  scope[key] = action;
  try {
    return runInThisContext(`globalThis.${key}()`, { timeout: patienceMs }) as T;
  } finally {
    delete scope[key];
  }
}
