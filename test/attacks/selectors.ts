/** Policies that would let in more than they say, if read carelessly. */
import { expect } from 'vitest';
import type { Attack, Campaign } from './attack.ts';
import { mark, privatePort } from './field.ts';
import type { Field } from './field.ts';
import { packet, udpDatagram } from './forge.ts';
import { address } from '../datapath/guard-world.ts';

/** Of all who try, those that reach the victim's private port by UDP. */
async function whoGetsIn(field: Field, who: readonly string[]): Promise<string[]> {
  const inside: string[] = [];
  for (const from of who) {
    const content = udpDatagram({ port: privatePort, data: mark(from) });
    const packets = { [from]: field.packet(4, [from, 'target/victim'], content) };
    inside.push(...(await field.volley({ from, to: 'target/victim', packets })));
  }
  return inside;
}

/** A policy for the victim; `spec` in YAML's flow style. */
function policy(spec: string): string {
  return `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: added, namespace: target }
spec: { podSelector: { matchLabels: { app: victim } }, ${spec} }
`;
}

const from = (peers: string): string => policy(`ingress: [{ from: [${peers}] }]`);
const attackers = ['attack/near', 'attack/far', 'world'] as const;

const forger = `
apiVersion: v1
kind: Pod
metadata:
  name: forger
  namespace: attack
  labels:
    team: blue
    name: target
    namespace: target
    kubernetes.io/metadata.name: target
    io.kubernetes.pod.namespace: target
    io.cilium.k8s.policy.cluster: default
    io.cilium.k8s.namespace.labels.team: blue
    projectcalico.org/namespace: target
    pcns.projectcalico.org/name: target
    app: victim
spec:
  nodeName: node-1
  containers: [{ name: main, image: main }]
`;

const forgedLabels: Attack = {
  name: "a pod has labels that look like its namespace's, or like those of another engine's inside",
  standsFor: ['GHSA-pfhr-pccp-hwmh', 'CVE-2023-39347', 'kubernetes/kubernetes#47797'],
  outcome:
    'not let in: labels of pods and of namespaces are never one set, and the namespace is what the API says',
  run: async (field) => {
    await field.with(forger, async () => {
      const peers = [
        '{ namespaceSelector: { matchLabels: { team: blue } } }',
        '{ namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: target } } }',
        '{ namespaceSelector: { matchExpressions: [{ key: team, operator: NotIn, values: [red] }] } }',
        '{ podSelector: { matchLabels: { kubernetes.io/metadata.name: target } } }',
        '{ podSelector: { matchLabels: { io.kubernetes.pod.namespace: target } } }',
        '{ podSelector: { matchLabels: { team: blue } } }',
        '{ podSelector: { matchLabels: { app: victim } } }',
        '{ podSelector: {}, namespaceSelector: { matchLabels: { team: blue } } }',
      ];
      for (const peer of peers) {
        await field.with(from(peer), async () => {
          expect(await whoGetsIn(field, ['attack/forger'])).toEqual([]);
        });
      }
    });
  },
};

const absentLabels: Attack = {
  name: 'DoesNotExist and NotIn, of one value or several, match what has no labels at all: other namespaces, nodes, the outside',
  standsFor: [
    'CVE-2023-41333',
    'cilium/cilium#46949',
    'Azure/azure-container-networking PR 4866',
    'cloudnativelabs/kube-router#614',
    'cilium/cilium PR 46253',
  ],
  outcome: 'not let in: a pod selector stays in its namespace, a namespace selector with pods',
  run: async (field) => {
    const expressions = [
      '{ key: quarantine, operator: DoesNotExist }',
      '{ key: app, operator: NotIn, values: [nobody] }',
      '{ key: app, operator: NotIn, values: [nobody, noone, none] }',
      '{ key: app, operator: Exists }',
    ];
    for (const expression of expressions) {
      await field.with(from(`{ podSelector: { matchExpressions: [${expression}] } }`), async () => {
        expect(await whoGetsIn(field, attackers)).toEqual([]);
      });
    }
    const ofNamespaces = [
      '{ key: team, operator: NotIn, values: [red] }',
      '{ key: team, operator: NotIn, values: [green, red, yellow] }',
      '{ key: team, operator: DoesNotExist }',
      '{ key: team, operator: In, values: [blue, green] }',
    ];
    for (const expression of ofNamespaces) {
      await field.with(from(`{ namespaceSelector: { matchExpressions: [${expression}] } }`), async () => {
        expect(await whoGetsIn(field, [...attackers, 'attack/accomplice'])).toEqual([]);
      });
    }
  },
};

const nobodySelected: Attack = {
  name: 'the peers of a rule select nobody, now or ever',
  standsFor: ['CVE-2025-64715', 'CVE-2026-56743', 'cloudnativelabs/kube-router#85'],
  outcome: 'nobody is let in: a peer without pods is no peer, not no condition',
  run: async (field) => {
    const peers = [
      '{ podSelector: { matchLabels: { app: nobody } } }',
      '{ namespaceSelector: { matchLabels: { team: nobody } } }',
      '{ namespaceSelector: {}, podSelector: { matchLabels: { app: nobody } } }',
      '{ ipBlock: { cidr: 203.0.113.0/24 } }',
      "{ ipBlock: { cidr: '2001:db8:77::/48' } }",
      '{ ipBlock: { cidr: 0.0.0.0/0, except: [0.0.0.0/1, 128.0.0.0/1] } }',
    ];
    for (const peer of peers) {
      await field.with(from(peer), async () => {
        expect(await whoGetsIn(field, attackers)).toEqual([]);
      });
    }
    await field.with(policy(`ingress: [{ from: [${peers[0]}], ports: [{ port: nameless }] }]`), async () => {
      expect(await whoGetsIn(field, attackers)).toEqual([]);
    });
    await field.with(policy('ingress: [{ ports: [{ port: nameless, protocol: UDP }] }]'), async () => {
      expect(await whoGetsIn(field, attackers)).toEqual([]);
    });
  },
};

/** What the victim's policy says of ingress, and whom it lets in by UDP of these three. */
const shapes: readonly (readonly [spec: string, inside: readonly string[]])[] = [
  ['policyTypes: [Ingress]', []],
  ['ingress: []', []],
  ['ingress: null', []],
  ['ingress: null, policyTypes: [Ingress], egress: [{}]', []],
  ['ingress: [{}]', ['attack/near', 'target/friend', 'world']],
  ['ingress: [{ from: [] }]', ['attack/near', 'target/friend', 'world']],
  ['ingress: [{ from: null, ports: null }]', ['attack/near', 'target/friend', 'world']],
  ['ingress: [{ from: [], ports: [] }]', ['attack/near', 'target/friend', 'world']],
  ['ingress: [{ from: [{ podSelector: {} }] }]', ['target/friend']],
  ['ingress: [{ from: [{ podSelector: { matchLabels: null, matchExpressions: [] } }] }]', ['target/friend']],
  ['ingress: [{ from: [{ namespaceSelector: {} }] }]', ['attack/near', 'target/friend']],
  ['ingress: [{ from: [{ namespaceSelector: {}, podSelector: {} }] }]', ['attack/near', 'target/friend']],
  ['ingress: [{ from: [{ namespaceSelector: {}, podSelector: null }] }]', ['attack/near', 'target/friend']],
  ['ingress: [{ from: [{ namespaceSelector: null, podSelector: {} }] }]', ['target/friend']],
  ['ingress: [{ ports: [{}] }]', []],
  ['ingress: [{ ports: [{ protocol: UDP }] }]', ['attack/near', 'target/friend', 'world']],
  ['ingress: [{ ports: [{ protocol: null, port: null }] }]', []],
  ['egress: [{}], policyTypes: [Egress]', ['attack/near', 'target/friend', 'world']],
  ['egress: []', []],
];

const emptyShapes: Attack = {
  name: 'lists and selectors that are empty, null or absent',
  standsFor: ['CVE-2025-64715', 'kubernetes/kubernetes#51726', 'antrea-io/antrea#574'],
  outcome: 'each means what the API says that it means: absent and empty are not the same everywhere',
  run: async (field) => {
    // Of the two policies of the victim only the one that is tried counts.
    await field.remove('NetworkPolicy/target/victim');
    try {
      for (const [spec, inside] of shapes) {
        await field.with(policy(spec), async () => {
          const arrived = await getIn(field);
          expect({ spec, arrived }).toEqual({ spec, arrived: inside });
        });
      }
    } finally {
      await field.restore();
    }
  },
};

/** As `whoGetsIn`, where there is no port that everybody may reach: the node's own packets, which pass, come last. */
async function getIn(field: Field): Promise<string[]> {
  const who = ['attack/near', 'target/friend', 'world'];
  const destination = field.address('target/victim', 4);
  const letters = who.map((one) => {
    const content = udpDatagram({ port: privatePort, data: mark(one) });
    return [one, packet({ source: field.address(one, 4), destination }, content)] as const;
  });
  const seen = await field.seenAt('target/victim', letters);
  return who.filter((one) => seen.some((bytes) => bytes.includes(mark(one))));
}

const ranges: Attack = {
  name: 'rules with overlapping port ranges and peers grow beyond what each of them says',
  standsFor: ['CVE-2023-30851', 'CVE-2024-28248', 'CVE-2024-52529', 'CVE-2026-33726', 'CVE-2026-25804'],
  outcome: 'each port is judged by the union of the rules that name it and the peer',
  run: async (field) => {
    const overlapping = policy(`ingress: [
      { from: [{ podSelector: {} }], ports: [{ port: 9000, endPort: 9010, protocol: UDP }, { port: 9020, protocol: UDP }] },
      { from: [{ namespaceSelector: { matchLabels: { team: red } } }], ports: [{ port: 9005, endPort: 9007, protocol: UDP }] },
      { from: [{ namespaceSelector: {} }], ports: [{ port: 9015, endPort: 9016, protocol: UDP }] }]`);
    const ports = Array.from({ length: 24 }, (_, index) => 8999 + index);
    const near = [9005, 9006, 9007, 9015, 9016];
    const friend = [9000, 9001, 9002, 9003, 9004, ...near.slice(0, 3), 9008, 9009, 9010, 9015, 9016, 9020];
    const allowed = { 'attack/near': near, 'target/friend': friend, world: [] };
    await field.with(overlapping, async () => {
      for (const [who, expected] of Object.entries(allowed)) {
        const packets = Object.fromEntries(
          ports.map((port) => [
            port,
            field.packet(4, [who, 'target/victim'], udpDatagram({ port, data: mark(String(port)) })),
          ]),
        );
        const arrived = await field.volley({ from: who, to: 'target/victim', packets });
        expect(arrived.map(Number)).toEqual(expected);
      }
    });
  },
};

/** The ports by which each address outside gets in. */
const outsiders = {
  '198.51.7.7': [8000],
  '198.51.100.1': [],
  '198.51.100.129': [8001],
  '198.51.100.200': [8000, 8001],
  '198.52.0.1': [],
  '203.0.113.8': [8002],
  '203.0.113.7': [],
} as const;

const blocks = policy(`ingress: [
  { from: [{ ipBlock: { cidr: 198.51.0.0/16, except: [198.51.100.0/24] } }], ports: [{ port: 8000, protocol: UDP }] },
  { from: [{ ipBlock: { cidr: 198.51.100.128/25 } }], ports: [{ port: 8001, protocol: UDP }] },
  { from: [{ ipBlock: { cidr: 198.51.100.200/32 } }], ports: [{ port: 8000, protocol: UDP }] },
  { from: [{ ipBlock: { cidr: 203.0.113.99/24, except: [203.0.113.5/29] } }], ports: [{ port: 8002, protocol: UDP }] },
  { from: [{ ipBlock: { cidr: '::/0' } }], ports: [{ port: 8003, protocol: UDP }] }]`);

const overlappingBlocks: Attack = {
  name: 'an address lies in several blocks and excepts, with other ports each; blocks are not canonical',
  standsFor: [
    'CVE-2024-47825',
    'aws-network-policy-agent#180',
    'aws-network-policy-agent PR 347',
    'aws-network-policy-agent#609',
    'aws-network-policy-agent#58',
    'antrea-io/antrea#386',
    'Azure/azure-container-networking#558',
    'ovn-org/ovn-kubernetes#845',
    'ovn-org/ovn-kubernetes PR 1674',
  ],
  outcome:
    'let in by the union of the blocks that hold it, each less its own excepts; IPv6 blocks hold no IPv4',
  run: async (field) => {
    await field.with(blocks, async () => {
      for (const [text, expected] of Object.entries(outsiders)) {
        const ends = { source: address(text), destination: field.address('target/victim', 4) };
        const packets = Object.fromEntries(
          [8000, 8001, 8002, 8003].map((port) => [
            port,
            packet(ends, udpDatagram({ port, data: mark(String(port)) })),
          ]),
        );
        const arrived = await field.volley({ from: 'world', to: 'target/victim', packets });
        expect([text, arrived.map(Number)]).toEqual([text, expected]);
      }
    });
  },
};

export const selectors: Campaign = {
  title: 'Selectors, shapes and blocks',
  attacks: [forgedLabels, absentLabels, nobodySelected, emptyShapes, ranges, overlappingBlocks],
};
