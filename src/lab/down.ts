/** Takes a lab away: asks its daemon to, or does it itself where there is none to ask. */
import { closeSync, existsSync } from 'node:fs';
import { BulkheadError, failure } from '../errors.ts';
import { tryLock } from '../kernel/file-lock.ts';
import { callLab, isLabAlive } from './client.ts';
import { destroyLab, listLabs } from './network/destroy.ts';
import { labPaths, makeLabDirectory } from './paths.ts';

const patienceMs = 10_000;

/** Throws BulkheadError LAB_NOT_UP if there is nothing of that name. */
export async function takeDown(lab: string, progress: (text: string) => void): Promise<void> {
  const paths = labPaths(lab);
  if (await isLabAlive(lab)) {
    await callLab(lab, { op: 'down' }, { onProgress: progress });
    await waitFor(
      () => !existsSync(paths.directory),
      `the daemon of lab "${lab}" does not end; see ${paths.log}`,
    );
    return;
  }
  if (!listLabs().includes(lab)) {
    throw new BulkheadError(
      failure('LAB_NOT_UP', `there is no lab "${lab}"`, {
        hint: '`bulkhead lab list` shows those that are up.',
      }),
    );
  }
  progress('the daemon is dead; cleaning up after it');
  await removeRemains(lab);
}

/**
 * Removes what a dead daemon left, if anything. Throws BulkheadError LAB_DAEMON_STUCK if the daemon lives after all.
 */
export async function removeRemains(lab: string): Promise<void> {
  if (!listLabs().includes(lab)) return;
  const { lock: path, log } = makeLabDirectory(lab);
  const lock = tryLock(path);
  if (lock === undefined) {
    throw new BulkheadError(
      failure('LAB_DAEMON_STUCK', `the daemon of lab "${lab}" lives but does not answer`, {
        hint: `Find it with \`fuser ${path}\`, end it, and run the command again. Its log: ${log}`,
      }),
    );
  }
  try {
    await destroyLab(lab);
  } finally {
    closeSync(lock);
  }
}

async function waitFor(condition: () => boolean, complaint: string): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new BulkheadError(failure('LAB_DAEMON_STUCK', complaint));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
