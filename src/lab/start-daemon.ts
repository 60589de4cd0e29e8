/** Starts the background process of a lab and waits until it listens. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { BulkheadError, failure } from '../errors.ts';
import { isLabAlive } from './client.ts';
import { removeRemains } from './down.ts';
import { makeLabDirectory } from './paths.ts';

const patienceMs = 15_000;

/**
 * @param command how to run this program: the executable and its first arguments; `lab daemon --name LAB` is added
 * Throws BulkheadError LAB_ALREADY_UP, or LAB_DAEMON_FAILED with what the daemon printed.
 */
export async function startDaemon(lab: string, command: readonly [string, ...string[]]): Promise<void> {
  if (await isLabAlive(lab)) {
    throw new BulkheadError(
      failure('LAB_ALREADY_UP', `lab "${lab}" is up already`, {
        hint: 'Change it with `bulkhead lab apply -f …`, take it down with `bulkhead lab down`, or use another --name.',
      }),
    );
  }
  await removeRemains(lab);
  const { log } = makeLabDirectory(lab);
  const output = openSync(log, 'w', 0o600);
  const [executable, ...args] = command;
  // A session of its own: the end of the terminal, and its ^C, are not meant for the daemon.
  const child = spawn(executable, [...args, 'lab', 'daemon', '--name', lab], {
    detached: true,
    stdio: ['ignore', output, output],
    cwd: '/',
  });
  closeSync(output);
  let ended = false;
  child.once('exit', () => (ended = true));
  child.once('error', () => (ended = true));
  const deadline = performance.now() + patienceMs;
  while (!(await isLabAlive(lab))) {
    if (ended || performance.now() > deadline) throw daemonFailed(lab, log);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  child.unref();
}

function daemonFailed(lab: string, log: string): BulkheadError {
  const printed = readFileSync(log, 'utf8').trim();
  return new BulkheadError(
    failure('LAB_DAEMON_FAILED', `the daemon of lab "${lab}" did not start${printed ? `: ${printed}` : ''}`, {
      hint: `Its log is ${log}.`,
    }),
  );
}
