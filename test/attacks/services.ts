/** Ways around a policy by addresses that are not the victim's own. */
import { expect } from 'vitest';
import type { Address, IpFamily } from '../../src/objects/ip.ts';
import type { Attack, Campaign } from './attack.ts';
import { controlPort, mark, privatePort } from './field.ts';
import type { Field } from './field.ts';
import { udpDatagram } from './forge.ts';

const families = [4, 6] as const;
const attackers = ['attack/near', 'attack/far'] as const;

function clusterIp(field: Field, service: string, family: IpFamily): Address {
  const found = field.lab.cluster.services.get(service)?.clusterIPs.find((one) => one.family === family);
  if (!found) throw new Error(`${service} has no IPv${family} cluster IP`);
  return found;
}

/** Datagrams to an address and port by families, marked with their names. */
function letters(
  field: Field,
  from: string,
  to: Readonly<Record<string, readonly [Address | string, number]>>,
): Record<string, Uint8Array> {
  return Object.fromEntries(
    families.flatMap((family) =>
      Object.entries(to).flatMap(([label, [target, port]]) => {
        const name = `${label}, IPv${family}`;
        const destination = typeof target === 'string' ? field.address(target, family) : target;
        if (destination.family !== family) return [];
        return [
          [name, field.packet(family, [from, destination.text], udpDatagram({ port, data: mark(name) }))],
        ];
      }),
    ),
  );
}

const throughClusterIp: Attack = {
  name: "a pod reaches its victim by the victim's Service",
  standsFor: ['aws-network-policy-controller PR 210', 'cloudnativelabs/kube-router#905', 'CVE-2026-32254'],
  outcome: 'dropped: judged after the choice of a backend, as if it had asked for it itself',
  run: async (field) => {
    const to = Object.fromEntries(
      families.map((family) => [
        `cluster IP ${family}`,
        [clusterIp(field, 'target/victim', family), 80] as const,
      ]),
    );
    for (const from of attackers) {
      expect(await field.volley({ from, to: 'target/victim', packets: letters(field, from, to) })).toEqual(
        [],
      );
    }
    for (const from of ['target/friend', 'target/distant']) {
      const packets = letters(field, from, to);
      expect(await field.volley({ from, to: 'target/victim', packets })).toEqual(Object.keys(packets));
    }
  },
};

const throughNodePort: Attack = {
  name: 'a pod reaches its victim by a NodePort, to be masqueraded as the node that may always reach its pods',
  standsFor: ['CVE-2023-27594', 'projectcalico/calico#2088', 'antrea-io/antrea#280'],
  outcome: 'dropped: judged before masquerading on the node that is asked, and as that node nowhere else',
  run: async (field) => {
    const to = { 'by node-1': ['node-1', 30_080], 'by node-2': ['node-2', 30_080] } as const;
    for (const from of [...attackers, 'world']) {
      const packets = letters(field, from, to);
      expect(await field.volley({ from, to: 'target/victim', packets })).toEqual([]);
    }
    const packets = letters(field, 'target/friend', to);
    expect(await field.volley({ from: 'target/friend', to: 'target/victim', packets })).toEqual([
      'by node-1, IPv4',
      'by node-1, IPv6',
    ]);
  },
};

const nodeAllowed: Attack = {
  name: 'somebody outside asks a NodePort of the node that the victim lets in by its address',
  standsFor: ['CVE-2023-27594'],
  outcome: 'dropped: judged by its own address, in IPv6 as well',
  run: async (field) => {
    const blocks = families.map(
      (family) =>
        `{ ipBlock: { cidr: '${field.address('node-1', family).text}/${family === 4 ? 32 : 128}' } }`,
    );
    const policy = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: node, namespace: target }
spec: { podSelector: { matchLabels: { app: victim } }, ingress: [{ from: [${blocks.join(', ')}] }] }
`;
    await field.with(policy, async () => {
      const packets = letters(field, 'world', { 'by node-1': ['node-1', 30_080] });
      expect(await field.volley({ from: 'world', to: 'target/victim', packets })).toEqual([]);
    });
  },
};

/** What `near` may send to, beside the control port. */
function egress(to: string): string {
  return `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: near, namespace: attack }
spec:
  podSelector: { matchLabels: { app: near } }
  policyTypes: [Egress]
  egress:
    - to: [{ namespaceSelector: {} }, { ipBlock: { cidr: 198.51.100.7/32 } }]
      ports: [{ port: ${controlPort}, protocol: UDP }]
    - to: [${to}]
`;
}

const aroundExcept: Attack = {
  name: 'a pod that may go outside but not to pods goes to a Service of pods, or is let out to a cluster IP only',
  standsFor: ['projectcalico/calico#5129', 'aws-network-policy-controller PR 210'],
  outcome: 'dropped: after the choice of a backend there is no cluster IP left to match',
  run: async (field) => {
    const services = families.map((family) => clusterIp(field, 'target/friend', family));
    const to = Object.fromEntries(services.map((one) => [`friend ${one.family}`, [one, 80] as const]));
    const packets = letters(field, 'attack/near', to);
    const shot = { from: 'attack/near', to: 'target/friend', packets };
    expect(await field.volley(shot)).toEqual(Object.keys(packets));
    const pods = { 4: '10.244.0.0/16', 6: `${field.address('target/friend', 6).text}/32` } as const;
    const except = `{ ipBlock: { cidr: 0.0.0.0/0, except: [${pods[4]}] } }, { ipBlock: { cidr: '::/0', except: ['${pods[6]}'] } }`;
    const only = services
      .map((one) => `{ ipBlock: { cidr: '${one.text}/${one.family === 4 ? 32 : 128}' } }`)
      .join(', ');
    for (const peers of [except, only]) {
      await field.with(egress(peers), async () => {
        expect(await field.volley(shot)).toEqual([]);
      });
    }
  },
};

/** A Service of the attacker's namespace whose endpoint is somebody else. */
function borrowed(address: string, port: number): string {
  return `
apiVersion: v1
kind: Service
metadata: { name: borrowed, namespace: attack }
spec: { ports: [{ port: 80, targetPort: ${port}, protocol: UDP }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: borrowed, namespace: attack, labels: { kubernetes.io/service-name: borrowed } }
addressType: IPv4
endpoints: [{ addresses: ['${address}'] }]
ports: [{ port: ${port}, protocol: UDP }]
`;
}

const borrowedEndpoint: Attack = {
  name: "a Service of the attacker's namespace has a victim elsewhere as its endpoint, or the metadata service",
  standsFor: ['CVE-2021-25740', 'CVE-2021-25737', 'CVE-2020-8554', 'MS-TA9033'],
  outcome: 'dropped: the way to the victim changes nothing about who asks whom',
  run: async (field) => {
    const victim = field.address('target/victim', 4).text;
    await field.with(borrowed(victim, privatePort), async () => {
      const to = { borrowed: [clusterIp(field, 'attack/borrowed', 4), 80] } as const;
      for (const from of attackers) {
        expect(await field.volley({ from, to: 'target/victim', packets: letters(field, from, to) })).toEqual(
          [],
        );
      }
    });
    const metadata = egress('{ ipBlock: { cidr: 0.0.0.0/0, except: [169.254.169.254/32] } }');
    await field.with(`${borrowed('169.254.169.254', 80)}---${metadata}`, async () => {
      const to = {
        borrowed: [clusterIp(field, 'attack/borrowed', 4), 80],
        direct: ['169.254.169.254', 80],
      } as const;
      const packets = letters(field, 'attack/near', to);
      expect(await field.volley({ from: 'attack/near', to: 'world', packets })).toEqual([]);
    });
  },
};

export const services: Campaign = {
  title: 'Services',
  attacks: [throughClusterIp, throughNodePort, nodeAllowed, aroundExcept, borrowedEndpoint],
};
