/** An agent as a process of its own. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentOptions } from '../../src/agent/options.ts';

export interface AgentPlan {
  readonly options: AgentOptions;
  readonly kubeconfig: string;
  /** Where its log goes. */
  readonly log: string;
  /** The checkout that it is run from; default: this one. */
  readonly build?: string;
}

export class Agent {
  readonly #plan: AgentPlan;
  readonly #child: ChildProcess;

  private constructor(plan: AgentPlan) {
    this.#plan = plan;
    const { options, kubeconfig, log, build = join(import.meta.dirname, '../..') } = plan;
    const script = join(build, 'test/faults/agent-process.ts');
    const args = ['--disable-warning=ExperimentalWarning', script, JSON.stringify({ options, kubeconfig })];
    const output = openSync(log, 'a');
    this.#child = spawn(process.execPath, args, { stdio: ['pipe', output, output] });
    closeSync(output);
  }

  /** Does not wait. */
  static begin(plan: AgentPlan): Agent {
    return new Agent(plan);
  }

  /** Enforces what the API server says when this returns. */
  static async start(plan: AgentPlan): Promise<Agent> {
    const agent = new Agent(plan);
    await agent.ready();
    return agent;
  }

  /** Until it has read everything once. */
  async ready(): Promise<void> {
    while ((await this.get('/readyz')).status !== 200) {
      this.requireRunning();
      await sleep(20);
    }
  }

  /** Throws Error with its log where it has ended. */
  requireRunning(): void {
    if (!this.isRunning) throw new Error(`the agent ended: ${readFileSync(this.#plan.log, 'utf8')}`);
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Of the TCP server, or of the debug socket where the path begins with `/debug`. Status 0: nobody answers. */
  async get(path: string): Promise<{ readonly status: number; readonly body: string }> {
    const { healthPort, runDirectory } = this.#plan.options;
    const to = path.startsWith('/debug')
      ? { socketPath: `${runDirectory}/debug.sock`, path: path.slice('/debug'.length) }
      : { host: '127.0.0.1', port: healthPort, path };
    return new Promise((resolve) => {
      request({ ...to, agent: false }, (response) => {
        text(response).then(
          (body) => resolve({ status: response.statusCode ?? 0, body }),
          () => resolve({ status: 0, body: '' }),
        );
      })
        .on('error', () => resolve({ status: 0, body: '' }))
        .end();
    });
  }

  /** The value of a metric with just these labels; 0 where there is none. */
  async metric(series: string): Promise<number> {
    const { body } = await this.get('/debug/metrics');
    const line = body.split('\n').find((one) => one.startsWith(`${series} `));
    return Number(line?.slice(series.length) ?? 0);
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    if (!this.isRunning) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill(signal);
    await gone;
  }
}
