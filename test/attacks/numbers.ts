/** More of everything than eight or sixteen bits can count: what comes after is not what came 256 or 65,536 before. */
import { expect } from 'vitest';
import type { Enforcer } from '../../src/agent/enforcer.ts';
import type { NetworkPolicy, Pod } from '../../src/objects/model.ts';
import type { Attack, Campaign } from './attack.ts';
import {
  absentPod,
  enforcing,
  outsider,
  policyOf,
  portOf,
  ruleFor,
  withPods,
  withPolicies,
} from './crowd.ts';
import type { Capacity, Engine } from './engines.ts';
import { controlPort, mark, privatePort } from './field.ts';
import type { Field } from './field.ts';
import { packet, udpDatagram } from './forge.ts';

const sixteenBits = 65_536;
/** So that whatever is numbered from one on, or shares its numbers with what the field has, is past them too. */
const many = sixteenBits + 300;
const numbers = Array.from({ length: many }, (_, number) => number);

const spacious: Capacity = {
  addresses: 2 * sixteenBits,
  cidrs: 4 * sixteenBits,
  classes: 8 * sixteenBits,
  ports: 4 * sixteenBits,
  rules: 4 * sixteenBits,
};
const capacity = (): Capacity => spacious;

/** The first, the last, and those around each width, of all that there are. */
const told = [0, 1, 254, 255, 256, 257, sixteenBits - 2, sixteenBits - 1, sixteenBits, sixteenBits + 1];

/** A policy about the victim, to be filled. */
const anyName = policyOf(`
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: many, namespace: target }
spec: { podSelector: { matchLabels: { app: victim } }, policyTypes: [Ingress] }
`);

/** By which ports outsiders get in, of their own and of those for whom they might be taken; as numbers, by their number. */
async function getIn(field: Field, who: readonly number[]): Promise<ReadonlyMap<number, readonly number[]>> {
  return getInBy(field, who, lookalikes);
}

async function getInBy(
  field: Field,
  who: readonly number[],
  ports: readonly number[] | ((number: number) => readonly number[]),
): Promise<ReadonlyMap<number, readonly number[]>> {
  const portsOf = typeof ports === 'function' ? ports : () => ports;
  const destination = field.address('target/victim', 4);
  const packets: Record<string, Uint8Array> = {};
  for (const number of who) {
    for (const other of portsOf(number)) {
      const name = `${number} by ${other}`;
      const content = udpDatagram({ port: portOf(other), data: mark(name) });
      packets[name] = packet({ source: outsider(number), destination }, content);
    }
  }
  const arrived = new Set(await field.volley({ from: 'world', to: 'target/victim', packets }));
  return new Map(
    who.map((number) => [number, portsOf(number).filter((other) => arrived.has(`${number} by ${other}`))]),
  );
}

function lookalikes(number: number): number[] {
  return [0, -1, 1, -256, 256, -sixteenBits, sixteenBits].map((by) => number + by).filter((one) => one >= 0);
}

const asThemselves = (who: readonly number[]) => new Map(who.map((number) => [number, [number]]));

/** Says that each of these outsiders may reach the victim at the port of its number. */
type Saying = (numbers: readonly number[]) => NetworkPolicy[];

const inOnePolicy: Saying = (some) => [{ ...anyName, ingress: some.map(ruleFor) }];

const inAPolicyEach: Saying = (some) =>
  some.map((number) => {
    const name = `many-${number}`;
    return { ...anyName, name, key: `target/${name}`, ingress: [ruleFor(number)] };
  });

async function expectTold(field: Field, engine: Engine, saying: Saying): Promise<void> {
  const { cluster } = field.lab;
  await enforcing(field, { engine, capacity }, async (enforcer) => {
    enforcer.update(withPolicies(cluster, saying(numbers)));
    const who = [...told, many - 1];
    // The one after the last is nobody yet.
    expect(await getIn(field, [...who, many])).toEqual(new Map([...asThemselves(who), [many, []]]));
    expectPast(enforcer);
    enforcer.update(withPolicies(cluster, saying([...numbers, many])));
    const late = [many - sixteenBits, many - 1, many];
    expect(await getIn(field, late)).toEqual(asThemselves(late));
  });
}

const rules: Attack = {
  name: 'more than 65,536 rules in one policy, each for another address and port',
  standsFor: ['CVE-2026-25804'],
  outcome:
    'rules, identities, classes and prefixes have 32 bits: each address gets in by its own port only, the last one too, and the one that is added after it',
  run: (field, engine) => expectTold(field, engine, inOnePolicy),
};

const policies: Attack = {
  name: 'more than 65,536 policies for one pod, each for another address and port',
  standsFor: ['CVE-2026-25804', 'cilium/cilium#46189'],
  outcome: 'as above: the order and number of policies decide nothing',
  run: (field, engine) => expectTold(field, engine, inAPolicyEach),
};

/** That the numbers in the tables are as big as the attack wants them. */
function expectPast(enforcer: Enforcer): void {
  const tables = enforcer.tables('node-1');
  const highest = (found: Iterable<number> = []) => [...found].reduce((most, one) => Math.max(most, one), 0);
  const reached = {
    rules: highest(tables?.ports.values().map(({ rule }) => rule)),
    classes: highest(tables?.classes.values().map((row) => row.class)),
    identities: highest(tables?.cidrs.values().map(({ identity }) => identity)),
  };
  for (const number of Object.values(reached)) expect(number).toBeGreaterThan(sixteenBits);
}

const peers: Attack = {
  name: 'more than 65,536 peers and 255 ports in one rule',
  standsFor: ['cilium/cilium#3314', 'aws-network-policy-agent#484'],
  outcome: 'every peer gets in by every port of the rule, the last one too, and nobody else',
  run: async (field, engine) => {
    const { cluster } = field.lab;
    const ports = numbers.slice(0, 300).flatMap((number) => ruleFor(number).ports);
    const ingress = (some: readonly number[]) => [
      { ...ruleFor(0), peers: some.flatMap((number) => ruleFor(number).peers), ports },
    ];
    const saying = (some: readonly number[]) =>
      withPolicies(cluster, [{ ...anyName, ingress: ingress(some) }]);
    await enforcing(field, { engine, capacity }, async (enforcer) => {
      enforcer.update(saying(numbers));
      const who = [...told, many - 1];
      const open = (number: number) => (number === many ? [] : [0, 255, 256, 299]);
      expect(await getInBy(field, [...who, many], [0, 255, 256, 299, 300, 512])).toEqual(
        new Map([...who, many].map((number) => [number, open(number)])),
      );
      enforcer.update(saying([...numbers, many]));
      expect(await getInBy(field, [many], [299, 300])).toEqual(new Map([[many, [299]]]));
    });
  },
};

/** A pod of its own port `p`; those past sixteen bits have another one as well. */
function withOwnPort(number: number): Pod {
  const port = (containerPort: number) => ({ name: 'p', containerPort, protocol: 'UDP' }) as const;
  const own = 1 + (number % 65_535);
  return absentPod(number, 'node-1', number < 65_535 ? [port(own)] : [port(own), port(own + 1)]);
}

/** All pods of the namespace may be reached by their port `p`, and `near` may reach no other. */
const byName = [
  policyOf(`
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: by-name, namespace: target }
spec: { podSelector: {}, ingress: [{ ports: [{ port: p, protocol: UDP }] }] }
`),
  policyOf(`
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: near, namespace: attack }
spec:
  podSelector: { matchLabels: { app: near } }
  policyTypes: [Egress]
  egress:
    - to: [{ namespaceSelector: {} }]
      ports: [{ port: p, protocol: UDP }, { port: ${controlPort}, protocol: UDP }]
`),
];

const sets: Attack = {
  name: 'more than 65,536 pods on a node, each with other rules: one port name stands for another number of each',
  standsFor: ['aws-network-policy-controller PR 223', 'CVE-2026-25804'],
  outcome:
    'sets of rules and resolved port names have 32 bits: the pod that comes after them is reached by its own number only',
  run: async (field, engine) => {
    const { cluster } = field.lab;
    const before = withPods(withPolicies(cluster, byName), numbers.map(withOwnPort));
    const victim = cluster.pods.get('target/victim');
    if (!victim) throw new Error('there is no victim');
    await enforcing(field, { engine, capacity }, async (enforcer) => {
      enforcer.update(before);
      // Its set is the latest.
      const ports = [{ name: 'p', containerPort: privatePort, protocol: 'UDP' }] as const;
      enforcer.update(withPods(before, [{ ...victim, ports }]));
      const own = enforcer.tables('node-1')?.addresses.get(field.address('target/victim', 4).text);
      const set = own?.value.ingressSet ?? 0;
      const others = [
        1,
        2,
        254,
        255,
        256,
        257,
        set - sixteenBits,
        set % 256,
        privatePort - 1,
        privatePort + 1,
      ];
      const tried = [...new Set([...others.flatMap((number) => [number, number + 1]), privatePort])];
      const packets = Object.fromEntries(
        tried
          .filter((port) => port > 0)
          .map((port) => {
            const content = udpDatagram({ port, data: mark(`port ${port}`) });
            return [`port ${port}`, field.packet(4, ['attack/near', 'target/victim'], content)];
          }),
      );
      const arrived = await field.volley({ from: 'attack/near', to: 'target/victim', packets });
      expect(arrived).toEqual([`port ${privatePort}`]);
      expect(set).toBeGreaterThan(sixteenBits);
    });
  },
};

export const bigNumbers: Campaign = {
  title: 'Numbers that outgrow small integers',
  bringsAgents: true,
  attacks: [rules, policies, peers, sets],
};
