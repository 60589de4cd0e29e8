/** Addresses that outlive their pods, and pods that outlive their policies. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { IpFamily } from '../../src/objects/ip.ts';
import type { Attack, Campaign } from './attack.ts';
import { controlPort, mark, privatePort } from './field.ts';
import type { Field } from './field.ts';
import { udpDatagram } from './forge.ts';
import { Knocker, knocksIn } from './knocker.ts';

const families = [4, 6] as const;

interface PodSpec {
  readonly key: string;
  readonly app: string;
  readonly node?: string;
  readonly addresses?: readonly string[];
  readonly phase?: string;
}

function pod({ key, app, node = 'node-1', addresses, phase = 'Running' }: PodSpec): string {
  const [namespace, name] = key.split('/');
  const ips = addresses ? `, podIPs: [${addresses.map((ip) => `{ ip: '${ip}' }`).join(', ')}]` : '';
  return `
---
apiVersion: v1
kind: Pod
metadata: { name: ${name}, namespace: ${namespace}, labels: { app: ${app} } }
spec: { nodeName: ${node}, containers: [{ name: main, image: main }] }
status: { phase: ${phase}${ips} }
`;
}

function addressesOf(field: Field, who: string): string[] {
  return families.map((family) => field.address(who, family).text);
}

/** Whether datagrams from a pod to the victim's private port arrive, by family. */
async function getsIn(field: Field, from: string): Promise<string[]> {
  const packets = Object.fromEntries(
    families.map((family) => {
      const name = `IPv${family}`;
      return [
        name,
        field.packet(family, [from, 'target/victim'], udpDatagram({ port: privatePort, data: mark(name) })),
      ];
    }),
  );
  return field.volley({ from, to: 'target/victim', packets });
}

const both = ['IPv4', 'IPv6'];
const oldFriend = { key: 'target/old-friend', app: 'friend' };
const oldKey = 'Pod/target/old-friend';

const completed: Attack = {
  name: 'a pod gets the address of one that has completed, whose policies it does not have',
  standsFor: [
    'cloudnativelabs/kube-router#1056',
    'antrea-io/antrea#6507',
    'Azure/azure-container-networking#428',
    'Azure/azure-container-networking#562',
    'aws-network-policy-controller PR 190',
  ],
  outcome: 'judged as itself: a pod that has Succeeded or Failed has no address',
  run: async (field) => {
    for (const phase of ['Succeeded', 'Failed']) {
      await field.apply(pod(oldFriend));
      const addresses = addressesOf(field, 'target/old-friend');
      expect(await getsIn(field, 'target/old-friend')).toEqual(both);
      // The end of the one and the start of the other are one change, as they may be for a watch that was cut off.
      const heir = pod({ key: 'attack/heir', app: 'heir', addresses });
      await field.apply(`${pod({ ...oldFriend, addresses, phase })}${heir}`);
      expect(addressesOf(field, 'attack/heir')).toEqual(addresses);
      const inside = await getsIn(field, 'attack/heir');
      await field.remove(oldKey, 'Pod/attack/heir');
      expect(inside).toEqual([]);
    }
  },
};

const deleted: Attack = {
  name: 'a pod gets the address of one that was deleted, on the same node and on another',
  standsFor: [
    'cloudnativelabs/kube-router#2059',
    'antrea-io/antrea#3467',
    'aws-network-policy-agent#616',
    'weaveworks/weave#3177',
  ],
  outcome: 'judged as itself from its first packet',
  run: async (field) => {
    for (const node of ['node-1', 'node-2']) {
      await field.apply(pod(oldFriend));
      const addresses = addressesOf(field, 'target/old-friend');
      expect(await getsIn(field, 'target/old-friend')).toEqual(both);
      await field.remove(oldKey);
      await field.apply(pod({ key: 'attack/heir', app: 'heir', node, addresses }));
      const inside = await getsIn(field, 'attack/heir');
      await field.remove('Pod/attack/heir');
      expect(inside).toEqual([]);
    }
  },
};

function datagram(
  field: Field,
  family: IpFamily,
  way: {
    readonly ends: readonly [string, string];
    readonly ports: readonly [number, number];
    readonly name: string;
  },
): Uint8Array {
  const [sourcePort, port] = way.ports;
  return field.packet(family, way.ends, udpDatagram({ sourcePort, port, data: mark(way.name) }));
}

const heirPolicy = `
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: heir, namespace: target }
spec:
  podSelector: { matchLabels: { app: heir } }
  ingress: [{ from: [{ namespaceSelector: {} }], ports: [{ port: ${controlPort}, protocol: UDP }] }]
`;

const inheritedFlow: Attack = {
  name: 'a server goes on answering a client that is gone, to the pod that has its address now',
  standsFor: ['weaveworks/weave#2618', 'cilium/cilium#17459', 'aws-network-policy-agent#462'],
  outcome:
    "dropped: with an address, conntrack's memory of it goes, so that the answer is a packet like any other",
  run: async (field) => {
    for (const server of ['attack/near', 'attack/far']) {
      for (const node of ['node-1', 'node-2']) {
        await field.apply(pod({ key: 'target/client', app: 'client' }));
        const addresses = addressesOf(field, 'target/client');
        for (const family of families) {
          const opening = datagram(field, family, {
            ends: ['target/client', server],
            ports: [46_000, 9000],
            name: 'opening',
          });
          await field.volley({ from: 'target/client', to: server, packets: { opening } });
        }
        await field.remove('Pod/target/client');
        await field.with(
          `${pod({ key: 'target/heir', app: 'heir', node, addresses })}${heirPolicy}`,
          async () => {
            const packets = Object.fromEntries(
              families.map((family) => [
                `IPv${family}`,
                datagram(field, family, {
                  ends: [server, 'target/heir'],
                  ports: [9000, 46_000],
                  name: `IPv${family}`,
                }),
              ]),
            );
            expect(await field.volley({ from: server, to: 'target/heir', packets })).toEqual([]);
          },
        );
      }
    }
  },
};

const flapping: Attack = {
  name: 'an address goes to and fro between a pod that the victim lets in and one that it does not',
  standsFor: ['antrea-io/antrea#3467', 'antrea-io/antrea#3468', 'weaveworks/weave#3177'],
  outcome: 'at each moment the rights are those of the pod that has it',
  run: async (field) => {
    await field.apply(pod(oldFriend));
    const addresses = addressesOf(field, 'target/old-friend');
    await field.remove(oldKey);
    for (let round = 0; round < 4; round++) {
      await field.with(pod({ ...oldFriend, addresses }), async () => {
        expect(await getsIn(field, 'target/old-friend')).toEqual(both);
      });
      await field.with(pod({ key: 'attack/heir', app: 'heir', addresses }), async () => {
        expect(await getsIn(field, 'attack/heir')).toEqual([]);
      });
    }
  },
};

const duplicate: Attack = {
  name: 'two running pods claim one address',
  standsFor: ['antrea-io/antrea#3468', 'kubernetes/kubernetes PR 102509'],
  outcome: 'the change is refused with the names of both, and what was enforced before goes on',
  run: async (field) => {
    const addresses = ['10.244.1.200', 'fd00:10:244:1::c8'];
    await field.with(pod({ ...oldFriend, addresses }), async () => {
      const twin = pod({ key: 'attack/twin', app: 'friend', addresses });
      await expect(field.apply(twin)).rejects.toThrow('ADDRESS_CLASH');
      expect(await getsIn(field, 'target/old-friend')).toEqual(both);
      expect(await getsIn(field, 'attack/near')).toEqual([]);
    });
  },
};

const guarded = `
apiVersion: v1
kind: Namespace
metadata: { name: doomed }
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: nobody, namespace: doomed }
spec: { podSelector: {}, policyTypes: [Ingress] }
`;

/** In a node's range of pod addresses, and outside every range. */
const places = { 'in the pod range': undefined, 'outside the pod range': ['192.168.66.6', 'fd66::6'] };

const dyingNamespace: Attack = {
  name: 'a namespace is deleted with its policies and pods while somebody knocks at them',
  standsFor: ['CVE-2024-7598'],
  outcome:
    'not one packet arrives: pods lose their address in the same commit as their policy, and what has no address gets nothing',
  run: async (field) => {
    for (const addresses of Object.values(places)) {
      await field.apply(
        `${guarded}${pod({ key: 'doomed/last', app: 'last', ...(addresses ? { addresses } : {}) })}`,
      );
      const watcher = field.tap('doomed/last');
      const knocker = await Knocker.start(
        ['attack/near', 'attack/far'].flatMap((from) =>
          families.map((family) => ({
            name: 'knock',
            netns: field.netns(from),
            source: field.address(from, family).text,
            destination: field.address('doomed/last', family).text,
            port: privatePort,
          })),
        ),
      );
      try {
        await sleep(30);
        await field.remove('Namespace//doomed');
      } finally {
        await knocker.stop();
      }
      expect(knocksIn(watcher.arrived(), 'knock').size).toBe(0);
      watcher.close();
    }
  },
};

export const lifecycles: Campaign = {
  title: 'Life of pods and addresses',
  attacks: [completed, deleted, inheritedFlow, flapping, duplicate, dyingNamespace],
};
