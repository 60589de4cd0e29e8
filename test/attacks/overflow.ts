/** Tables of our own that are too small for what is asked of them. */
import { expect } from 'vitest';
import { failureOf } from '../../src/errors.ts';
import type { Cluster, NetworkPolicy } from '../../src/objects/model.ts';
import type { Attack, Campaign } from './attack.ts';
import { absentPod, enforcing, policyOf, ruleFor, withPods, withPolicies } from './crowd.ts';
import type { Capacity } from './engines.ts';
import { mark, privatePort } from './field.ts';
import type { Field } from './field.ts';
import { udpDatagram } from './forge.ts';

const roomy: Capacity = { addresses: 1024, cidrs: 4096, classes: 1024, ports: 1024, rules: 1024 };
const tight = 64;
const tooMany = 200;

/** Takes the friend's permission away, and gives it to the one who is named. */
function turned(friend: string): NetworkPolicy {
  return policyOf(`
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: victim, namespace: target }
spec:
  podSelector: { matchLabels: { app: victim } }
  ingress:
    - { from: [{ namespaceSelector: {} }], ports: [{ port: 7777, protocol: UDP }] }
    - { from: [{ namespaceSelector: {}, podSelector: { matchLabels: { app: ${friend} } } }], ports: [{ port: ${privatePort}, protocol: UDP }] }
`);
}

type Table = Exclude<keyof Capacity, 'rules'>;

const numbers = Array.from({ length: tooMany }, (_, number) => number);
const rules = numbers.map(ruleFor);

/** For each table what needs more of it than there is. */
const overflowing: Readonly<Record<Table, (cluster: Cluster) => Cluster>> = {
  addresses: (cluster) =>
    withPods(
      cluster,
      numbers.map((number) => absentPod(number, 'node-2', [])),
    ),
  cidrs: (cluster) => withRules(cluster, [{ ...rule, peers: rules.flatMap(({ peers }) => peers) }]),
  classes: (cluster) => withRules(cluster, rules),
  ports: (cluster) => withRules(cluster, [{ ...rule, ports: rules.flatMap(({ ports }) => ports) }]),
};
const rule = ruleFor(0);

function withRules(cluster: Cluster, ingress: NetworkPolicy['ingress']): Cluster {
  const { namespace, podSelector } = turned('near');
  const [name, key] = ['many', `${namespace}/many`];
  return withPolicies(cluster, [{ ...turned('near'), name, key, podSelector, ingress }]);
}

/** Of the friend and the attacker, those that reach the victim's private port. */
async function inside(field: Field): Promise<string[]> {
  const arrived: string[] = [];
  for (const from of ['target/friend', 'attack/near', 'attack/far']) {
    const content = udpDatagram({ port: privatePort, data: mark(from) });
    const packets = { [from]: field.packet(4, [from, 'target/victim'], content) };
    arrived.push(...(await field.volley({ from, to: 'target/victim', packets })));
  }
  return arrived;
}

const overflow: Attack = {
  name: 'policies need more of a table than there is, of one node or of all',
  standsFor: [
    'cilium/cilium#28450',
    'cilium/cilium#46189',
    'cilium/cilium#3314',
    'aws-network-policy-agent#484',
    'aws-network-policy-agent#686',
    'aws-network-policy-agent PR 562',
  ],
  outcome:
    'refused whole with DATAPATH_FULL, which names the table, the need and the room; every node enforces the old policies, and takes the next change that fits',
  run: async (field, engine) => {
    const { cluster } = field.lab;
    for (const [table, grown] of Object.entries(overflowing)) {
      // Of the addresses only the second node has too few: the first one has to go back to what it had.
      const small = { ...roomy, [table]: tight };
      const capacity = (node: string) => (table === 'addresses' && node === 'node-1' ? roomy : small);
      await enforcing(field, { engine, capacity }, async (enforcer) => {
        expect(await inside(field)).toEqual(['target/friend']);
        const refusal = failureOf(() => enforcer.update(grown(withPolicies(cluster, [turned('near')]))));
        expect(await inside(field)).toEqual(['target/friend']);
        expect(refusal?.code).toBe('DATAPATH_FULL');
        const [, need, what, room] =
          /needs (\d+) entries in the table "(\w+)", which holds (\d+)/.exec(refusal?.message ?? '') ?? [];
        expect({ what, room: Number(room) }).toEqual({ what: table, room: tight });
        expect(Number(need)).toBeGreaterThanOrEqual(tooMany);
        enforcer.update(withPolicies(cluster, [turned('far')]));
        expect(await inside(field)).toEqual(['attack/far']);
      });
    }
  },
};

export const ownTables: Campaign = {
  title: 'Tables of our own that are full',
  bringsAgents: true,
  attacks: [overflow],
};
