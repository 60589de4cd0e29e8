/**
 * A program that runs in the background and is known by a record, so that whoever comes later can end exactly it. The
 * process writes the record itself before it becomes the program: there is no moment at which it runs unrecorded.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  isAlive,
  isStopped,
  parseRecord,
  signalProcess,
  waitForEnd,
  type ProcessIdentity,
} from './identity.ts';

export interface ComponentSpec {
  readonly name: string;
  /** Asked for at each start. */
  readonly command: () => readonly [program: string, ...args: string[]];
  /** Gets the files NAME.process and NAME.log. */
  readonly directory: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** The kernel kills it as soon as the process that started it has ended, in whatever way. */
  readonly diesWithStarter: boolean;
  /** Whether it serves by now; asked again and again after a start. */
  readonly isReady: () => Promise<boolean>;
  readonly patienceMs: number;
  /** Starts the process in another namespace, say. What it spawns must be the given command. */
  readonly within?: (start: () => ChildProcess) => ChildProcess;
}

const recordThenBecome = `
  IFS= read -r boot </proc/sys/kernel/random/boot_id
  IFS= read -r stat </proc/self/stat
  printf '%s\\n%s\\n' "$boot" "$stat" >"$0" && exec "$@"`;

/** How much of a log an error shows. */
const lastLines = 15;

export class Component {
  readonly name: string;
  readonly log: string;
  readonly #spec: ComponentSpec;
  readonly #record: string;

  constructor(spec: ComponentSpec) {
    this.#spec = spec;
    this.name = spec.name;
    this.log = join(spec.directory, `${spec.name}.log`);
    this.#record = recordPath(spec.directory, spec.name);
  }

  /** The process of that name that runs on record in the folder, whoever started it. */
  static recordIn(directory: string, name: string): ProcessIdentity | undefined {
    const identity = readRecord(recordPath(directory, name));
    return identity !== undefined && isAlive(identity) ? identity : undefined;
  }

  get isRunning(): boolean {
    return this.identity !== undefined;
  }

  /** Undefined when it does not run. */
  get identity(): ProcessIdentity | undefined {
    return Component.recordIn(this.#spec.directory, this.name);
  }

  /** Starts it and waits until it serves. Rejects with the end of its log if it ends before that, or takes too long. */
  async start(): Promise<void> {
    if (this.isRunning) throw new Error(`${this.name} runs already`);
    rmSync(this.#record, { force: true });
    const child = this.#spawn();
    let ended = false;
    child.once('exit', () => (ended = true));
    child.once('error', () => (ended = true));
    const deadline = performance.now() + this.#spec.patienceMs;
    while (!(await this.#spec.isReady())) {
      if (ended) throw new Error(`${this.name} ended: ${this.tail()}`);
      if (performance.now() > deadline) throw new Error(`${this.name} does not get ready: ${this.tail()}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    child.unref();
  }

  /** SIGKILL, and waits until it is gone. Harmless if it does not run. */
  async kill(): Promise<void> {
    await killRecorded(this.#record);
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  /** Stops it in the middle of whatever it does (SIGSTOP): connections stay open and nobody answers. */
  async pause(): Promise<void> {
    const identity = this.#signal('SIGSTOP');
    while (!isStopped(identity)) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  resume(): void {
    this.#signal('SIGCONT');
  }

  /** The last lines of its log. */
  tail(): string {
    const lines = existsSync(this.log) ? readFileSync(this.log, 'utf8').trimEnd().split('\n') : [];
    return `see ${this.log}\n${lines.slice(-lastLines).join('\n')}`;
  }

  #spawn(): ChildProcess {
    const { command, environment, diesWithStarter, within } = this.#spec;
    const log = openSync(this.log, 'a', 0o600);
    const recorded = ['sh', '-c', recordThenBecome, this.#record, ...command()];
    const [program = '', ...args] = diesWithStarter
      ? ['setpriv', '--pdeathsig', 'KILL', ...recorded]
      : recorded;
    const start = (): ChildProcess =>
      // A session of its own: the end of the terminal, and its ^C, are not meant for it.
      spawn(program, args, {
        stdio: ['ignore', log, log],
        detached: true,
        env: { ...process.env, ...environment },
      });
    try {
      return within ? within(start) : start();
    } finally {
      closeSync(log);
    }
  }

  #signal(signal: NodeJS.Signals): ProcessIdentity {
    const { identity } = this;
    if (identity === undefined || !signalProcess(identity, signal))
      throw new Error(`${this.name} does not run`);
    return identity;
  }
}

/** Kills every process that has a record in the folder, and waits until all are gone. */
export async function killAllRecorded(directory: string): Promise<void> {
  const records = existsSync(directory)
    ? readdirSync(directory).filter((name) => name.endsWith(recordSuffix))
    : [];
  await Promise.all(records.map(async (name) => killRecorded(join(directory, name))));
}

const recordSuffix = '.process';
const killPatienceMs = 20_000;

function recordPath(directory: string, name: string): string {
  return join(directory, `${name}${recordSuffix}`);
}

/** Undefined if it was never started, or was ended before it could write the record, which then is empty. */
function readRecord(path: string): ProcessIdentity | undefined {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0) return undefined;
  return parseRecord(readFileSync(path, 'utf8'));
}

async function killRecorded(path: string): Promise<void> {
  const identity = readRecord(path);
  if (identity !== undefined) {
    signalProcess(identity, 'SIGKILL');
    if (!(await waitForEnd(identity, killPatienceMs)))
      throw new Error(`process ${identity.pid} does not end (${path})`);
  }
  rmSync(path, { force: true });
}
