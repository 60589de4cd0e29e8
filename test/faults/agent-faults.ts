/** The agent ends, in all the ways that it may. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent } from './agent.ts';
import type { Fault } from './fault.ts';
import type { LightStand } from './light-stand.ts';
import { PolicyChurn } from './policy-churn.ts';

export const agentFaults: readonly Fault<LightStand>[] = [
  {
    isSample: true,
    name: 'the agent is killed (SIGKILL), and started again',
    outcome:
      'programs and tables stay in the kernel; the successor fills its own and puts them in their place',
    run: async (stand) => {
      await stand.replaceAgent('SIGKILL');
    },
  },
  {
    name: 'the agent is told to end (SIGTERM), and started again',
    outcome: 'the same',
    run: async (stand) => {
      await stand.replaceAgent('SIGTERM');
    },
  },
  {
    name: 'the agent is killed again and again while policies change: while it starts, and while it writes',
    outcome: 'what is half done is reached by no packet, and is cleared away by the next agent',
    run: async (stand) => {
      const churn = new PolicyChurn(stand.api);
      for (const delayMs of [150, 400, 700, 1000]) {
        await stand.agent.end('SIGKILL');
        stand.agent = Agent.begin(stand.plan);
        await sleep(delayMs);
      }
      await stand.replaceAgent('SIGKILL');
      await churn.stop();
    },
  },
  {
    name: 'the agent is stopped (SIGSTOP) while policies change, and goes on',
    outcome: 'the kernel keeps what it has; afterwards the agent takes what has gathered',
    run: async (stand) => {
      const churn = new PolicyChurn(stand.api);
      process.kill(stand.agent.pid, 'SIGSTOP');
      await sleep(1000);
      process.kill(stand.agent.pid, 'SIGCONT');
      await churn.stop();
    },
  },
  {
    name: 'an agent of the other engine takes over, and the first one after it',
    outcome: 'both engines judge until the new one has read everything; then the old one goes',
    run: async (stand) => {
      const { options } = stand.plan;
      const other = options.engine === 'ebpf' ? 'nftables' : 'ebpf';
      await stand.replaceAgent('SIGTERM', { options: { ...options, engine: other } });
      await stand.replaceAgent('SIGTERM');
    },
  },
];
