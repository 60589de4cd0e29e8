/** An agent as a process of its own. */
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { encodeLine } from '../../src/lab/wire.ts';
import type { Cluster } from '../../src/objects/model.ts';

export class Agent {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;

  private constructor(engine: string, lab: string, modules: readonly string[]) {
    const script = join(import.meta.dirname, 'agent-process.ts');
    const before = modules.flatMap((module) => ['--import', join(import.meta.dirname, module)]);
    const args = ['--disable-warning=ExperimentalWarning', ...before, script, engine, lab];
    this.#child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    // A killed one takes no more input.
    this.#child.stdin.on('error', () => undefined);
  }

  /** Enforces the cluster when this returns. `modules`, files beside this one, are loaded before anything else. */
  static async start(
    { engine, lab, modules = [] }: { engine: string; lab: string; modules?: readonly string[] },
    cluster: Cluster,
  ): Promise<Agent> {
    const agent = new Agent(engine, lab, modules);
    await agent.enforce(cluster);
    return agent;
  }

  /** Returns when the kernel of every node has it. */
  async enforce(cluster: Cluster): Promise<void> {
    const answer = Promise.race([
      once(this.#child.stdout, 'data'),
      once(this.#child, 'exit').then(() => {
        throw new Error('the agent ended before it enforced anything');
      }),
    ]);
    this.tell(cluster);
    await answer;
  }

  /** Does not wait. */
  tell(cluster: Cluster): void {
    this.#child.stdin.write(encodeLine(cluster));
  }

  async kill(): Promise<void> {
    await this.#end(() => this.#child.kill('SIGKILL'));
  }

  /** As at an upgrade: it lets go of the kernel, which goes on. */
  async end(): Promise<void> {
    await this.#end(() => this.#child.stdin.end());
  }

  async #end(how: () => unknown): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    how();
    await gone;
  }
}
