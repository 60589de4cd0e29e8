/** Takes namespaces of a lab away, with everything that lives in them. Needs nothing but their names. */
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { deleteNetns, isNetns, netnsIdentity } from '../../kernel/netns.ts';
import { labPrefix, netnsDirectory, netnsPath } from './names.ts';

/** How long a process may take to end by itself, in milliseconds. */
const graceMs = 300;

/** Names below /run/netns that are of this lab, alive or not. */
export function labNetnsNames(lab: string): string[] {
  return netnsNames().filter((name) => name.startsWith(labPrefix(lab)));
}

/** All names below /run/netns. */
export function netnsNames(): string[] {
  try {
    return readdirSync(netnsDirectory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/**
 * Ends the processes in the namespaces and takes the names away. The kernel frees links and routes by itself. Should a
 * name stand for the namespace that we are in ourselves, nobody there is touched: it is the machine's.
 */
export async function removeNamespaces(names: readonly string[]): Promise<void> {
  const namespaces = new Set(names.map(netnsPath).filter(isNetns).map(netnsIdentity));
  namespaces.delete(netnsIdentity('/proc/thread-self/ns/net'));
  await endProcesses(namespaces);
  for (const name of names) deleteNetns(netnsPath(name));
}

/** Asks, waits, then kills; only ever processes whose network namespace is one of these at that moment. */
async function endProcesses(namespaces: ReadonlySet<string>): Promise<void> {
  if (namespaces.size === 0) return;
  signalAll(processesIn(namespaces), 'SIGTERM');
  const deadline = performance.now() + graceMs;
  while (processesIn(namespaces).length > 0) {
    if (performance.now() > deadline) signalAll(processesIn(namespaces), 'SIGKILL');
    await sleep(10);
  }
}

function processesIn(namespaces: ReadonlySet<string>): number[] {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
  return pids.filter((pid) => pid !== process.pid && namespaces.has(netnsOfProcess(pid) ?? ''));
}

/** Undefined for processes that have ended (zombies too) in the meantime. */
function netnsOfProcess(pid: number): string | undefined {
  try {
    return netnsIdentity(`/proc/${pid}/ns/net`);
  } catch {
    return undefined;
  }
}

function signalAll(pids: readonly number[], signal: 'SIGTERM' | 'SIGKILL'): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}
