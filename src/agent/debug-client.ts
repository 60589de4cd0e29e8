/** Asks the agent of this node what it knows, by the socket that only root may open. */
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { BulkheadError, failure } from '../errors.ts';

export interface DebugCall {
  readonly socket: string;
  /** With its query: `/flows?follow`. */
  readonly path: string;
  readonly chunk: (text: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Resolves when the answer ends, or with `signal`. @throws BulkheadError AGENT_NOT_RUNNING, AGENT_DEBUG_REFUSED
 */
export async function readDebugSocket({ socket, path, chunk, signal }: DebugCall): Promise<void> {
  try {
    await answer({ socket, path, chunk, signal });
  } catch (error) {
    if (signal.aborted) return;
    throw error;
  }
}

function answer({ socket, path, chunk, signal }: DebugCall): Promise<void> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath: socket, path, signal }, (response) => {
      if (response.statusCode === 200) {
        response.setEncoding('utf8').on('data', chunk);
        response.on('end', resolve);
        response.on('error', (error) => reject(notRunning(socket, error)));
        return;
      }
      text(response).then((said) => reject(refused(path, said.trim())), reject);
    });
    call.on('error', (error) => reject(notRunning(socket, error)));
    call.end();
  });
}

function refused(path: string, said: string): BulkheadError {
  return new BulkheadError(
    failure('AGENT_DEBUG_REFUSED', `the agent does not answer ${path}: ${said}`, {
      hint: 'The message says what there is.',
    }),
  );
}

function notRunning(socket: string, error: Error): BulkheadError {
  return new BulkheadError(
    failure('AGENT_NOT_RUNNING', `no agent answers at ${socket}: ${error.message}`, {
      hint: 'Ask as root, on a node where an agent runs; --run-dir is that of the agent.',
    }),
    { cause: error },
  );
}
