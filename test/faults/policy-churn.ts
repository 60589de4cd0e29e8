/**
 * Policies that come, change and go all the time, that of the probes among them, while none of what the probes do
 * changes its verdict. What the API server refuses or does not answer is tried again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiClient } from '../cluster/api/client.ts';
import { pairPolicy, policiesPath } from './world.ts';

export class PolicyChurn {
  readonly #api: ApiClient;
  readonly #ended: Promise<void>;
  #ending = false;
  /** Writes that the API server took. */
  changes = 0;

  constructor(api: ApiClient) {
    this.#api = api;
    this.#ended = this.#run();
  }

  /** With the policy of the probes as it was. */
  async stop(): Promise<void> {
    this.#ending = true;
    await this.#ended;
    while (!(await this.#try('PUT', `${policiesPath}/pair`, pairPolicy()))) await sleep(50);
    while (!(await this.#try('DELETE', `${policiesPath}/passing`, undefined, [404]))) await sleep(50);
  }

  async #run(): Promise<void> {
    for (let turn = 0; !this.#ending; turn++) {
      await this.#try('PUT', `${policiesPath}/pair`, pairPolicy(turn % 5));
      await this.#try('POST', policiesPath, passingPolicy(turn));
      await this.#try('DELETE', `${policiesPath}/passing`);
      await sleep(5);
    }
  }

  async #try(method: string, path: string, body?: unknown, also: readonly number[] = []): Promise<boolean> {
    const answer = await this.#api.request(method, path, body).catch(() => undefined);
    const taken = answer !== undefined && (answer.status < 300 || also.includes(answer.status));
    if (taken) this.changes += 1;
    return taken;
  }
}

/** Another one for the probes' server, which lets nobody in by a port that they use. */
function passingPolicy(turn: number): object {
  const ports = [{ protocol: 'TCP', port: 10_000 + (turn % 1000) }];
  return {
    metadata: { name: 'passing' },
    spec: { podSelector: { matchLabels: { app: 'server' } }, ingress: [{ ports }] },
  };
}
