/** Runs a command of the user inside a namespace, as if the user had run it there. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { BulkheadError, failure } from '../errors.ts';
import type { Placement } from './protocol.ts';

/** A terminal sends these to the child too, so that we only have to survive them. */
const fromTerminal = ['SIGINT', 'SIGQUIT'] as const;
const forwarded = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const;

/**
 * `ip netns exec` puts the namespace's resolv.conf in place. Gives the exit code as shells do: 128 + signal number if a
 * signal ended the command, 127 if there is none of that name, 126 if it can't be run. These two are a shell's own;
 * `ip` would end with 255, as a command may, too.
 */
export async function execIn({ netns }: Placement, command: readonly string[]): Promise<number> {
  const child = spawn('ip', ['netns', 'exec', netns, 'sh', '-c', 'exec "$@"', 'sh', ...command], {
    stdio: 'inherit',
  });
  const ignore = () => undefined;
  const forward = (signal: NodeJS.Signals) => child.kill(signal);
  for (const signal of fromTerminal) process.on(signal, ignore);
  for (const signal of forwarded) process.on(signal, forward);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('exit', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
      child.once('error', (cause) => {
        const hint = 'Install it: apt-get install iproute2';
        reject(
          new BulkheadError(failure('LAB_TOOL_MISSING', `ip did not start: ${cause.message}`, { hint }), {
            cause,
          }),
        );
      });
    });
  } finally {
    for (const signal of fromTerminal) process.off(signal, ignore);
    for (const signal of forwarded) process.off(signal, forward);
  }
}
