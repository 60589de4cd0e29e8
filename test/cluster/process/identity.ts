/**
 * Which process a number means. Process ids are used again, also after a reboot; with the time that the process was
 * started at and the boot it belongs to, one means one process for ever.
 */
import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessIdentity {
  readonly pid: number;
  /** In clock ticks since boot, as in /proc/PID/stat. */
  readonly startTime: string;
  readonly boot: string;
}

interface Stat {
  readonly pid: number;
  readonly state: string;
  readonly threads: number;
  readonly startTime: string;
}

/** Of this process. */
export function ownIdentity(): ProcessIdentity {
  const { pid, startTime } = parseStat(readFileSync('/proc/self/stat', 'utf8'));
  return { pid, startTime, boot: currentBoot() };
}

/** Reads what a process wrote down of itself: the boot id, and its line of /proc/self/stat. */
export function parseRecord(text: string): ProcessIdentity {
  const [boot = '', stat = ''] = text.split('\n');
  const { pid, startTime } = parseStat(stat);
  return { pid, startTime, boot };
}

/**
 * False once it has ended, even if its parent has not taken notice yet (a zombie). Of a process that is killed the first
 * thread can be a zombie while others still hold its files and ports: that has not ended.
 */
export function isAlive(identity: ProcessIdentity): boolean {
  if (identity.boot !== currentBoot()) return false;
  const stat = statOf(identity.pid);
  if (stat === undefined || stat.startTime !== identity.startTime) return false;
  return stat.threads > 1 || !'ZX'.includes(stat.state);
}

/** After SIGSTOP each thread goes on until it comes to see it. True for a process that has ended. */
export function isStopped(identity: ProcessIdentity): boolean {
  if (!isAlive(identity)) return true;
  return readdirSync(`/proc/${identity.pid}/task`).every((thread) => {
    const stat = statOf(Number(thread), `/proc/${identity.pid}/task/${thread}/stat`);
    return stat === undefined || 'TZX'.includes(stat.state);
  });
}

/** Sends the signal if exactly that process is still there; false if not. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false;
  try {
    return process.kill(identity.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** Resolves to false if it is still there after `patienceMs`. */
export async function waitForEnd(identity: ProcessIdentity, patienceMs: number): Promise<boolean> {
  const deadline = performance.now() + patienceMs;
  while (isAlive(identity)) {
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return true;
}

let boot: string | undefined;

function currentBoot(): string {
  return (boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
}

function statOf(pid: number, path = `/proc/${pid}/stat`): Stat | undefined {
  try {
    return parseStat(readFileSync(path, 'utf8'));
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/** The second field is the program's name in parentheses, which may hold anything; state and start time come after it. */
function parseStat(line: string): Stat {
  const afterName = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const [state = '', threads = '', startTime = ''] = [afterName[0], afterName[17], afterName[19]];
  const pid = Number.parseInt(line, 10);
  if (!(pid > 0) || !/^\d+$/.test(startTime)) throw new Error(`not a line of /proc/PID/stat: ${line}`);
  return { pid, state, threads: Number(threads), startTime };
}
