/** Probes that run in a process of their own for as long as it takes. */
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { ProbeCommand, ProbeReport, Stream } from './stream.ts';

export class Probes {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: NodeJS.AsyncIterator<string>;

  private constructor(streams: readonly Stream[]) {
    const script = join(import.meta.dirname, 'prober.ts');
    const args = ['--disable-warning=ExperimentalWarning', script, JSON.stringify(streams)];
    // In a session of its own: within one, its priority would be at the cost of what is probed.
    this.#child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
    this.#child.stdin.on('error', () => undefined);
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** They run, and their connections stand, when this returns. */
  static async start(streams: readonly Stream[]): Promise<Probes> {
    const probes = new Probes(streams);
    await probes.#answer();
    return probes;
  }

  /** Counting begins now. */
  async mark(): Promise<void> {
    await this.#ask('mark');
  }

  /** What has come since the mark, of what was sent until now. */
  async report(): Promise<ProbeReport> {
    return (await this.#ask('report')) as ProbeReport;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.stdin.end();
    await gone;
  }

  async #ask(command: ProbeCommand): Promise<unknown> {
    this.#child.stdin.write(`${command}\n`);
    return this.#answer();
  }

  async #answer(): Promise<unknown> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the probes ended by themselves');
    return JSON.parse(value) as unknown;
  }
}
