/** The moments in which an agent begins, changes, dies or is replaced, while somebody knocks every millisecond. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Cluster, Labels } from '../../src/objects/model.ts';
import { Agent } from './agent.ts';
import type { Attack, Campaign } from './attack.ts';
import type { Engine } from './engines.ts';
import { controlPort, privatePort } from './field.ts';
import type { Field } from './field.ts';
import { Knocker, knocksIn } from './knocker.ts';
import type { Route } from './knocking.ts';

/** Connections that the victim's policy permits and forbids, on both nodes and in both families. */
const knocks = [
  { name: 'permitted near', from: 'attack/near', family: 4, port: controlPort },
  { name: 'permitted far', from: 'attack/far', family: 6, port: controlPort },
  { name: 'permitted friend', from: 'target/friend', family: 6, port: privatePort },
  { name: 'forbidden near', from: 'attack/near', family: 6, port: privatePort },
  { name: 'forbidden far', from: 'attack/far', family: 4, port: privatePort },
] as const;

const permitted = knocks.map(({ name }) => name).filter((name) => name.startsWith('permitted'));
const forbidden = knocks.map(({ name }) => name).filter((name) => name.startsWith('forbidden'));

function routes(field: Field): Route[] {
  return knocks.map(({ name, from, family, port }) => ({
    name,
    netns: field.netns(from),
    source: field.address(from, family).text,
    destination: field.address('target/victim', family).text,
    port,
  }));
}

interface Siege {
  /** What came in before is no leak: nothing was enforced yet. */
  readonly forget: () => void;
  /** Ends an agent with the siege. */
  readonly owns: (agent: Agent) => Agent;
}

interface Outcome {
  /** How often each permitted route knocked in vain, and each forbidden one with success. */
  readonly lost: readonly number[];
  readonly leaked: readonly number[];
}

/** Knocks while `action` runs. */
async function besieged(field: Field, action: (siege: Siege) => Promise<void>): Promise<Outcome> {
  const watcher = field.tap('target/victim');
  const arrived = new Map(knocks.map(({ name }): [string, Set<number>] => [name, new Set()]));
  const collect = (): void => {
    const packets = watcher.arrived();
    for (const [name, numbers] of arrived) for (const number of knocksIn(packets, name)) numbers.add(number);
  };
  const collecting = setInterval(collect, 20);
  const agents: Agent[] = [];
  const knocker = await Knocker.start(routes(field));
  let sent: number;
  try {
    await action({
      forget: () => {
        collect();
        for (const name of forbidden) arrived.get(name)?.clear();
      },
      owns: (agent) => {
        agents.push(agent);
        return agent;
      },
    });
  } finally {
    sent = await knocker.stop();
    clearInterval(collecting);
    collect();
    for (const agent of agents) await agent.kill();
    field.disarm();
  }
  const missed = watcher.missed();
  watcher.close();
  if (missed > 0) throw new Error(`${missed} packets arrived that were not looked at`);
  const count = (name: string): number => arrived.get(name)?.size ?? 0;
  return { lost: permitted.map((name) => sent - count(name)), leaked: forbidden.map(count) };
}

const nothingLost = { lost: permitted.map(() => 0), leaked: forbidden.map(() => 0) };

/** The cluster with another label on a pod that no policy speaks of: all that there is to compile, and no other verdict. */
function relabelled(cluster: Cluster, labels: Labels): Cluster {
  const pod = cluster.pods.get('attack/accomplice');
  if (!pod) throw new Error('there is no accomplice');
  const changed = { ...pod, labels: { ...pod.labels, ...labels } };
  return { ...cluster, pods: new Map([...cluster.pods, [pod.key, changed]]) };
}

const startAgent = (engine: Engine, field: Field, modules: readonly string[] = []): Promise<Agent> =>
  Agent.start({ engine: engine.name, lab: field.name, modules }, field.lab.cluster);

const startRace: Attack = {
  name: 'pods have been sending for long when the agent starts for the first time',
  standsFor: [
    'CVE-2024-42488',
    'cloudnativelabs/kube-router#873',
    'cloudnativelabs/kube-router#1309',
    'aws-network-policy-agent#83',
    'aws-network-policy-agent#271',
  ],
  outcome:
    'from the first commit on nothing forbidden arrives, new or begun before; nothing permitted is lost on the way there',
  run: async (field, engine) => {
    const result = await besieged(field, async ({ forget, owns }) => {
      await sleep(30);
      owns(await startAgent(engine, field));
      // What the kernel had let pass before is on its way.
      await sleep(5);
      forget();
      await sleep(150);
    });
    expect(result).toEqual(nothingLost);
  },
};

const killed: Attack = {
  name: 'the agent is killed, and a new one takes over; one is upgraded while the old one runs; policies change meanwhile',
  standsFor: [
    'CVE-2023-27595',
    'cilium/cilium PR 46927',
    'cilium/cilium PR 47880',
    'cilium/cilium#5290',
    'antrea-io/antrea#1587',
  ],
  outcome:
    'programs and tables stay in the kernel, and change hands with both judging: nothing forbidden arrives, nothing permitted is lost',
  run: async (field, engine) => {
    const { cluster } = field.lab;
    const result = await besieged(field, async ({ forget, owns }) => {
      const first = owns(await startAgent(engine, field));
      await sleep(5);
      forget();
      await first.kill();
      await sleep(50);
      const second = owns(await startAgent(engine, field));
      await second.enforce(relabelled(cluster, { turn: 'second' }));
      const third = owns(await startAgent(engine, field));
      await second.end();
      await third.enforce(relabelled(cluster, { app: 'friend' }));
      await third.enforce(cluster);
      await third.kill();
      await sleep(20);
    });
    expect(result).toEqual(nothingLost);
  },
};

const killedWhileWriting: Attack = {
  name: 'the agent is killed while it writes, again and again',
  standsFor: ['CVE-2023-27595', 'cilium/cilium#46189', 'cilium/cilium#28450'],
  outcome: 'what is half written is reached by no packet, and the next agent clears it away',
  run: async (field, engine) => {
    const { cluster } = field.lab;
    const result = await besieged(field, async ({ forget, owns }) => {
      owns(await startAgent(engine, field));
      await sleep(5);
      forget();
      for (const delay of [1, 3]) {
        const agent = owns(await startAgent(engine, field));
        for (let turn = 0; turn < 40; turn++)
          agent.tell(relabelled(cluster, { turn: String(turn), app: turn % 2 ? 'friend' : 'x' }));
        await sleep(delay * 10);
        await agent.kill();
      }
      owns(await startAgent(engine, field));
      await sleep(20);
    });
    expect(result).toEqual(nothingLost);
  },
};

/** Longer than datapaths wait with their sweep. */
const sweptAfterMs = 250;

const jumpingClock: Attack = {
  name: "the node's clock is set back and forth by years, as by who answers its NTP, while agents begin, change and follow each other",
  standsFor: ['CVE-2015-5300', 'CVE-2015-7704'],
  outcome:
    'nothing is judged, kept, swept or retried by the time of day: nothing forbidden arrives, nothing permitted is lost',
  run: async (field, engine) => {
    const { cluster } = field.lab;
    const jumping = ['jumping-clock.ts'];
    const result = await besieged(field, async ({ forget, owns }) => {
      const first = owns(await startAgent(engine, field, jumping));
      await sleep(5);
      forget();
      for (let turn = 0; turn < 3; turn++) {
        await first.enforce(relabelled(cluster, { turn: String(turn), app: turn % 2 ? 'friend' : 'x' }));
        await sleep(sweptAfterMs);
      }
      const second = owns(await startAgent(engine, field, jumping));
      await first.end();
      await second.enforce(cluster);
      await sleep(sweptAfterMs);
    });
    expect(result).toEqual(nothingLost);
  },
};

export const agents: Campaign = {
  title: 'Agents that begin and end',
  bringsAgents: true,
  attacks: [startRace, killed, killedWhileWriting, jumpingClock],
};
