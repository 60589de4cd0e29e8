/** The API server and etcd go away, or are slow, or forget; the way to them breaks. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from './fault.ts';
import type { LightStand } from './light-stand.ts';
import { PolicyChurn } from './policy-churn.ts';

/** Longer than the agent of the light form takes to count as degraded. */
const awayMs = 800;

async function untilDegraded({ agent }: LightStand): Promise<void> {
  while ((await agent.get('/healthz')).status !== 503) {
    agent.requireRunning();
    await sleep(20);
  }
}

export const apiFaults: readonly Fault<LightStand>[] = [
  {
    name: 'the API server is killed while policies change, and comes back',
    outcome: 'the kernel keeps what it has, the agent says that it is degraded, and catches up',
    run: async (stand) => {
      const { controlPlane } = stand;
      const churn = new PolicyChurn(stand.api);
      await sleep(100);
      await controlPlane.apiserver.kill();
      await untilDegraded(stand);
      await controlPlane.apiserver.start();
      await churn.stop();
      await stand.realised();
    },
  },
  {
    name: 'the API server stops answering (SIGSTOP) while policies change, and goes on',
    outcome: 'the kernel keeps what it has; the watch goes on where it was',
    run: async (stand) => {
      const churn = new PolicyChurn(stand.api);
      await sleep(100);
      await stand.controlPlane.apiserver.pause();
      await sleep(awayMs);
      stand.controlPlane.apiserver.resume();
      await churn.stop();
      await stand.realised();
    },
  },
  {
    name: 'etcd stops answering (SIGSTOP) while policies change, and goes on',
    outcome: 'the same',
    run: async (stand) => {
      const churn = new PolicyChurn(stand.api);
      await sleep(100);
      await stand.controlPlane.etcd.pause();
      await sleep(awayMs);
      stand.controlPlane.etcd.resume();
      await churn.stop();
      await stand.realised();
    },
  },
  {
    name: 'an agent starts while there is no API server, after one that was killed',
    outcome: 'what the one before left goes on enforcing until the new one has read everything',
    run: async (stand) => {
      await stand.controlPlane.apiserver.kill();
      await stand.agent.end('SIGKILL');
      const started = stand.replaceAgent('SIGKILL');
      await sleep(awayMs);
      await stand.controlPlane.apiserver.start();
      await started;
      await stand.realised();
    },
  },
  {
    isSample: true,
    name: 'connections to the API server are cut at random bytes, again and again, while policies change',
    outcome: 'what was whole is taken, and the watch goes on from there',
    run: async (stand) => {
      const churn = new PolicyChurn(stand.api);
      // Behind the handshake, and within the first pages and events.
      stand.proxy.become({ cutAfter: () => 2000 + Math.floor(Math.random() * 8000) });
      const before = stand.proxy.cuts;
      while (stand.proxy.cuts < before + 25) await sleep(20);
      stand.proxy.become({});
      await churn.stop();
      await stand.realised();
    },
  },
  {
    name: 'the API server forgets where the agent was (410) while it was away, and policies have changed',
    outcome: 'everything is read anew, and the differences are put in force as one change',
    run: async (stand) => {
      const relists = async (): Promise<number> =>
        stand.agent.metric('bulkhead_relists_total{resource="networkPolicies"}');
      const before = await relists();
      stand.proxy.become({ refuses: true });
      const churn = new PolicyChurn(stand.api);
      await sleep(300);
      await churn.stop();
      // What an API server remembers of the past begins with its start.
      await stand.controlPlane.apiserver.restart();
      stand.proxy.become({});
      await stand.realised();
      // Otherwise nothing was forgotten, and nothing is proven.
      while ((await relists()) === before) {
        stand.agent.requireRunning();
        await sleep(50);
      }
    },
  },
  {
    name: 'the API server is slow: each piece of 512 bytes comes 20 ms late, while policies change',
    outcome: 'changes take effect as they come',
    run: async (stand) => {
      stand.proxy.become({ delayMs: 20, pieceBytes: 512 });
      const churn = new PolicyChurn(stand.api);
      await sleep(1500);
      await churn.stop();
      stand.proxy.become({});
      await stand.realised();
    },
  },
];
