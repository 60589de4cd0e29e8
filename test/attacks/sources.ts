/** Packets with a source address that is not the sender's own. */
import { expect } from 'vitest';
import type { Address } from '../../src/objects/ip.ts';
import { address } from '../datapath/guard-world.ts';
import type { Attack, Campaign } from './attack.ts';
import { mark, privatePort } from './field.ts';
import type { Field } from './field.ts';
import { packet, udpDatagram } from './forge.ts';

const families = [4, 6] as const;

/** Datagrams to the victim's private port, one from each of these addresses, that all say who they claim to be. */
function claiming(field: Field, sources: Readonly<Record<string, Address>>): Record<string, Uint8Array> {
  return Object.fromEntries(
    Object.entries(sources).map(([name, source]) => {
      const destination = field.address('target/victim', source.family);
      const content = udpDatagram({ port: privatePort, data: mark(name) });
      return [name, packet({ source, destination }, content)];
    }),
  );
}

function inBothFamilies(field: Field, who: string): Record<string, Address> {
  return Object.fromEntries(families.map((family) => [`${who}, IPv${family}`, field.address(who, family)]));
}

const passingAs: Attack = {
  name: 'a pod sends as another pod of its node, to somebody who lets that one in',
  standsFor: ['MS-TA9036', 'CVE-2021-1677'],
  outcome: 'dropped before conntrack: the route back to the source is not the interface that it came in by',
  run: async (field) => {
    const packets = claiming(field, inBothFamilies(field, 'target/friend'));
    expect(await field.volley({ from: 'target/friend', to: 'target/victim', packets })).toEqual(
      Object.keys(packets),
    );
    expect(await field.volley({ from: 'attack/near', to: 'target/victim', packets })).toEqual([]);
  },
};

const passingAsDistant: Attack = {
  name: 'a pod sends as a pod of another node, to somebody who lets that one in',
  standsFor: ['MS-TA9036'],
  outcome: 'dropped on the node of the sender',
  run: async (field) => {
    const packets = claiming(field, inBothFamilies(field, 'target/distant'));
    expect(await field.volley({ from: 'target/distant', to: 'target/victim', packets })).toEqual(
      Object.keys(packets),
    );
    for (const from of ['attack/near', 'attack/far'])
      expect(await field.volley({ from, to: 'target/victim', packets })).toEqual([]);
  },
};

const passingAsOthers: Attack = {
  name: 'a pod sends as its node, another node, the gateway, somebody outside, itself at the victim, nobody',
  standsFor: ['MS-TA9036', 'CVE-2023-27594'],
  outcome: 'dropped',
  run: async (field) => {
    const everybody = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: everybody, namespace: target }
spec: { podSelector: { matchLabels: { app: victim } }, ingress: [{ from: [{ ipBlock: { cidr: 0.0.0.0/0 } }, { ipBlock: { cidr: '::/0' } }] }] }
`;
    const packets = claiming(field, {
      ...inBothFamilies(field, 'node-1'),
      ...inBothFamilies(field, 'node-2'),
      ...inBothFamilies(field, 'target/victim'),
      'the gateway': address('169.254.1.1'),
      'the gateway, IPv6': address('fe80::1'),
      'a link-local address': address('fe80::1234'),
      outside: address('198.51.100.7'),
      'outside, IPv6': address('2001:db8::7'),
      'nobody of the pod range': address('10.244.1.250'),
      localhost: address('127.0.0.1'),
      'localhost, IPv6': address('::1'),
      'an IPv4 address in IPv6': {
        ...address('fd00::1'),
        bits: (0xffffn << 32n) | field.address('target/friend', 4).bits,
      },
      'no address': address('0.0.0.0'),
      'no address, IPv6': address('::'),
      broadcast: address('255.255.255.255'),
      multicast: address('ff02::1'),
    });
    await field.with(everybody, async () => {
      for (const from of ['attack/near', 'attack/far'])
        expect(await field.volley({ from, to: 'target/victim', packets })).toEqual([]);
    });
  },
};

export const sources: Campaign = {
  title: 'Source addresses',
  attacks: [passingAs, passingAsDistant, passingAsOthers],
};
