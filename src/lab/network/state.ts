/**
 * What we know about a lab's network, in its directory below /run. Written ahead of every change, so that after a
 * crash at any point the next run knows what is surely there (`applied`) and what may be there (`pending`).
 */
import { closeSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { BulkheadError, failure } from '../../errors.ts';
import { tryLock } from '../../kernel/file-lock.ts';
import { makeLabDirectory } from '../paths.ts';
import type { Topology } from './topology.ts';

export interface NetworkState {
  readonly version: 1;
  readonly applied: Topology;
  /** What the changes since then were about; more than one if several were cut short. */
  readonly pending: readonly Topology[];
}

const unknown: NetworkState = { version: 1, applied: [], pending: [] };

const patienceMs = 30_000;

/**
 * Runs `action` while holding the lab's network lock, so that no two commands work on one lab's network at once.
 * Throws BulkheadError LAB_BUSY when another holds it for longer than anything should take.
 */
export async function withNetworkLock<T>(lab: string, action: (lock: number) => Promise<T>): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const lock = tryLock(`${makeLabDirectory(lab).directory}/network.lock`);
    if (lock !== undefined) {
      try {
        return await action(lock);
      } finally {
        closeSync(lock);
      }
    }
    if (performance.now() > deadline) {
      throw new BulkheadError(
        failure(
          'LAB_BUSY',
          `another command has been changing the network of lab "${lab}" for ${patienceMs / 1000} s`,
          {
            hint: 'Wait for it, or end it, and try again.',
          },
        ),
      );
    }
    await sleep(10);
  }
}

/** An absent or unreadable file means that nothing is known: whatever exists is then made anew. */
export function readState(lab: string): NetworkState {
  try {
    const state: unknown = JSON.parse(readFileSync(statePath(lab), 'utf8'));
    if (isState(state)) return state;
  } catch {
    // Absent at first; a torn file can't be (rename), but a foreign one could.
  }
  return unknown;
}

/** Atomic. Call with the lock held. */
export function writeState(lab: string, state: NetworkState): void {
  const path = statePath(lab);
  writeFileSync(`${path}.new`, JSON.stringify(state), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

function statePath(lab: string): string {
  return `${makeLabDirectory(lab).directory}/network.json`;
}

/** Only this module writes the file: the version tells all. */
function isState(value: unknown): value is NetworkState {
  return typeof value === 'object' && value !== null && 'version' in value && value.version === 1;
}
