/** One watch request, from the server's consent to its end. */
import type { IncomingMessage } from 'node:http';
import { protocolError, timeoutError, type Action } from './api-error.ts';
import { LineSplitter } from './line-splitter.ts';
import { brokenOff } from './transport.ts';

export interface WatchStreamOptions {
  readonly action: Action;
  /** How long nothing may arrive, not even a bookmark. */
  readonly silenceMs: number;
  /** The lines that one chunk of bytes completed, and when it arrived (as `performance.now()`). What it throws ends the watch. */
  readonly lines: (lines: readonly string[], arrived: number) => void;
}

/** etcd takes 1.5 MiB, its JSON may be several times as long; twice for good measure. */
const maxLineBytes = 32 * 1024 * 1024;

/**
 * Resolves when the server ends the watch in order, between two events. Rejects when it is cut, when nothing arrives
 * for too long, and with whatever `lines` throws.
 */
export function readWatch(response: IncomingMessage, options: WatchStreamOptions): Promise<void> {
  const { action, silenceMs, lines } = options;
  const splitter = new LineSplitter();
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => {
      reject(error);
      response.destroy();
    };
    response.setTimeout(silenceMs, () => fail(timeoutError(action, silenceMs / 1000)));
    response.on('data', (chunk: Buffer) => {
      const arrived = performance.now();
      // What is still buffered when a watch has failed must not reach anybody.
      if (response.destroyed) return;
      try {
        const complete = splitter.push(chunk);
        if (splitter.pending > maxLineBytes) throw protocolError(action, 'an event has no end');
        if (complete.length > 0) lines(complete, arrived);
      } catch (error) {
        fail(error);
      }
    });
    response.on('error', (error) => reject(brokenOff(action, error)));
    response.on('close', () => reject(protocolError(action, 'the connection was closed')));
    response.on('end', () => {
      if (splitter.pending === 0) resolve();
      else reject(protocolError(action, 'the stream ended in the middle of an event'));
    });
  });
}
