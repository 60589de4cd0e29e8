/** One question to the agent of this node. */
import { createConnection } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { GateAnswer, GateRequest } from './protocol.ts';

export type Asked =
  | { readonly outcome: 'ok' }
  | { readonly outcome: 'refused' | 'unanswered'; readonly message: string }
  | { readonly outcome: 'away'; readonly message: string };

const retryMs = 100;

/** Where no agent answers, tries again for as long as there is time: it may be about to be replaced. */
export async function askAgent(socket: string, request: GateRequest, timeoutMs: number): Promise<Asked> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const asked = await askOnce(socket, request, deadline);
    if (asked.outcome !== 'away' || performance.now() + retryMs > deadline) return asked;
    await delay(retryMs);
  }
}

async function askOnce(socket: string, request: GateRequest, deadline: number): Promise<Asked> {
  return new Promise((resolve) => {
    const connection = createConnection(socket);
    let received = '';
    let waiting: string | undefined;
    const end = (asked: Asked): void => {
      clearTimeout(timer);
      connection.destroy();
      resolve(asked);
    };
    const timer = setTimeout(
      () => end({ outcome: 'unanswered', message: waiting ?? 'the agent does not answer' }),
      Math.max(0, deadline - performance.now()),
    );
    connection.setEncoding('utf8');
    connection.on('connect', () => connection.write(`${JSON.stringify(request)}\n`));
    connection.on('data', (chunk: string) => {
      received += chunk;
      const lines = received.split('\n');
      received = lines.pop() ?? '';
      for (const line of lines) {
        const answer = JSON.parse(line) as GateAnswer;
        if ('waiting' in answer) waiting = answer.waiting;
        else end(answer.ok ? { outcome: 'ok' } : { outcome: 'refused', message: answer.message });
      }
    });
    // After an answer, `end` has no effect any more.
    connection.on('error', ({ message }) => end({ outcome: 'away', message }));
    connection.on('close', () => end({ outcome: 'away', message: 'the agent went away' }));
  });
}
