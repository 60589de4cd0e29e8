/** What a pod may do to its node over their link: the control messages of IP, and the node's own services. */
import { expect } from 'vitest';
import { addressBytes } from '../../src/objects/ip.ts';
import type { Address } from '../../src/objects/ip.ts';
import { address } from '../datapath/guard-world.ts';
import type { Attack, Campaign } from './attack.ts';
import { controlPort, mark } from './field.ts';
import type { Field } from './field.ts';
import { icmpMessage, packet, udpDatagram } from './forge.ts';
import { Tap } from './tap.ts';

const allNodes = address('ff02::1');
const gateway = { 4: address('169.254.1.1'), 6: address('fe80::1') } as const;
const nodePort = 10_250;

/** The pod's own link-local address, which the kernel gave it. */
function linkLocalOf(field: Field, pod: string): Address {
  const [, text = ''] =
    /inet6 (fe80:[^/]+)/.exec(field.run(pod, 'ip', '-6', 'addr', 'show', 'dev', 'eth0')) ?? [];
  return address(text);
}

/** RFC 4861 §4.2: a router for half an hour, with a prefix to make addresses of. */
function routerAdvertisement(): ReturnType<typeof icmpMessage> {
  const prefix = [
    3,
    4,
    64,
    0xc0,
    0,
    0,
    7,
    8,
    0,
    0,
    7,
    8,
    0,
    0,
    0,
    0,
    ...addressBytes(address('2001:db8:bad::')),
  ];
  const body = Uint8Array.of(64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0, ...prefix);
  return icmpMessage(6, { type: 134, body });
}

const addressesAndRoutes = (field: Field, node: string): string =>
  ['route', 'addr']
    .map((what) => field.run(node, 'ip', '-6', what))
    .join('')
    .replaceAll(/expires \d+sec|valid_lft \d+sec|preferred_lft \d+sec/g, '');

const rogueAdvertisement: Attack = {
  name: 'a pod advertises itself as a router to a node that listens to such',
  standsFor: ['CVE-2020-10749', 'CVE-2020-13597', 'CVE-2020-11091', 'CVE-2020-13401'],
  outcome: 'dropped: a pod is no router',
  run: async (field) => {
    const device = field.interfaceOf('attack/near');
    const listens = { [`ipv6/conf/${device}/accept_ra`]: '2', 'ipv6/conf/all/accept_ra': '2' };
    await field.setting('node-1', listens, async () => {
      const before = addressesAndRoutes(field, 'node-1');
      const shape = { hopLimit: 255 };
      const own = linkLocalOf(field, 'attack/near');
      const packets = [own, gateway[6], field.address('attack/near', 6)].flatMap((source) =>
        [allNodes, gateway[6]].map((destination) =>
          packet({ source, destination }, routerAdvertisement(), shape),
        ),
      );
      const tap = new Tap(field.netns('attack/near'));
      for (const one of packets) tap.send(one);
      tap.close();
      await field.volley({ from: 'attack/near', to: 'target/victim', packets: {} });
      expect(addressesAndRoutes(field, 'node-1')).toBe(before);
    });
  },
};

/** RFC 4861 §4.4, unasked and overriding; with the sender's hardware address. */
function neighbourAdvertisement(target: Address): ReturnType<typeof icmpMessage> {
  const body = Uint8Array.of(0x20, 0, 0, 0, ...addressBytes(target), 2, 1, 0xee, 0xee, 0xee, 0xee, 0xee, 1);
  return icmpMessage(6, { type: 136, body });
}

const rogueNeighbour: Attack = {
  name: "a pod says that its victim's address is its own, by neighbour discovery and ARP",
  standsFor: ['CVE-2021-1677', 'MS-TA9036', 'antrea-io/antrea#200'],
  outcome:
    'without effect: each pod has a link and a route of its own, and what is on one link is not asked on another',
  harmless: true,
  run: async (field) => {
    const victim = field.address('target/victim', 6);
    const shape = { hopLimit: 255 };
    const own = linkLocalOf(field, 'attack/near');
    const attacker = new Tap(field.netns('attack/near'));
    try {
      for (const source of [own, field.address('attack/near', 6), victim]) {
        for (const destination of [allNodes, gateway[6]])
          attacker.send(packet({ source, destination }, neighbourAdvertisement(victim), shape));
      }
      attacker.sendArp(field.address('target/victim', 4));
      for (const family of [4, 6] as const) {
        const name = `IPv${family} to the victim`;
        const letter = field.packet(
          family,
          ['target/friend', 'target/victim'],
          udpDatagram({ port: controlPort, data: mark(name) }),
        );
        const sent = { from: 'target/friend', to: 'target/victim', packets: { [name]: letter } };
        expect(await field.volley(sent)).toEqual([name]);
      }
      expect(attacker.arrived().filter((bytes) => bytes.includes('to the victim'))).toEqual([]);
    } finally {
      attacker.close();
    }
  },
};

const redirects: Attack = {
  name: 'a pod redirects what its node, or another pod, sends elsewhere',
  standsFor: ['CVE-2020-10749', 'MS-TA9036'],
  outcome: 'dropped: what is redirected was not sent to the pod; and as the gateway it can not pass',
  run: async (field) => {
    const device = field.interfaceOf('attack/near');
    const obeys = {
      'ipv4/conf/all/accept_redirects': '1',
      [`ipv4/conf/${device}/accept_redirects`]: '1',
      [`ipv6/conf/${device}/accept_redirects`]: '1',
    };
    const route = () =>
      ['4', '6'].map((family) =>
        field
          .run(
            'node-1',
            'ip',
            `-${family}`,
            'route',
            'get',
            field.address('target/distant', family === '4' ? 4 : 6).text,
          )
          .replaceAll(/expires \d+sec/g, ''),
      );
    await field.setting('node-1', obeys, async () => {
      const before = route();
      const near = { 4: field.address('attack/near', 4), 6: field.address('attack/near', 6) };
      const about = {
        4: field.packet(4, ['node-1', 'target/distant'], udpDatagram({ port: 53 })),
        6: field.packet(6, ['node-1', 'target/distant'], udpDatagram({ port: 53 })),
      };
      const redirect4 = icmpMessage(4, {
        type: 5,
        code: 1,
        body: Buffer.concat([addressBytes(near[4]), about[4]]),
      });
      const names = [near[6], field.address('target/distant', 6)].map((one) => addressBytes(one));
      const redirect6 = icmpMessage(6, { type: 137, body: Buffer.concat([Buffer.alloc(4), ...names]) });
      const tap = new Tap(field.netns('attack/near'));
      const shape = { hopLimit: 255 };
      for (const source of [near[4], gateway[4], field.address('node-2', 4)])
        tap.send(packet({ source, destination: field.address('node-1', 4) }, redirect4, shape));
      for (const source of [near[6], gateway[6], linkLocalOf(field, 'attack/near')])
        tap.send(packet({ source, destination: field.address('node-1', 6) }, redirect6, shape));
      tap.close();
      const toVictim = { source: near[4], destination: field.address('target/victim', 4) };
      const content = {
        ...redirect4,
        payload: Buffer.concat([redirect4.payload, Buffer.from(mark('redirect'))]),
      };
      const packets = {
        redirect: packet(toVictim, content),
        'as gateway': packet({ ...toVictim, source: gateway[4] }, content),
      };
      expect(await field.volley({ from: 'attack/near', to: 'target/victim', packets })).toEqual([]);
      expect(route()).toEqual(before);
    });
  },
};

/** `near` may send to the victim's control port and nowhere else. */
const isolated = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: near, namespace: attack }
spec:
  podSelector: { matchLabels: { app: near } }
  policyTypes: [Egress]
  egress: [{ to: [{ namespaceSelector: {} }], ports: [{ port: ${controlPort}, protocol: UDP }] }]
`;

const linkLocalNode: Attack = {
  name: 'a pod without egress reaches its node: by link-local address, by multicast, by broadcast',
  standsFor: ['kubernetes-sigs/kube-network-policies PR 194', 'MS-TA9030'],
  outcome:
    "dropped: of what a pod says to its node's link-local addresses, only neighbour discovery needs no permission",
  run: async (field) => {
    const own = linkLocalOf(field, 'attack/near');
    const near = { 4: field.address('attack/near', 4), 6: field.address('attack/near', 6) };
    const targets: Record<string, readonly [Address, Address]> = {
      'link-local to link-local': [own, gateway[6]],
      'own to link-local': [near[6], gateway[6]],
      'own to node': [near[6], field.address('node-1', 6)],
      'link-local to node': [own, field.address('node-1', 6)],
      'own to all nodes': [near[6], allNodes],
      'link-local to all nodes': [own, allNodes],
      'nobody to all nodes': [address('::'), allNodes],
      'own to node, IPv4': [near[4], field.address('node-1', 4)],
      'own to all hosts, IPv4': [near[4], address('224.0.0.1')],
      'own to broadcast, IPv4': [near[4], address('255.255.255.255')],
      'nobody to broadcast, IPv4': [address('0.0.0.0'), address('255.255.255.255')],
    };
    const packets = Object.fromEntries(
      Object.entries(targets).map(([name, [source, destination]]) => [
        name,
        packet({ source, destination }, udpDatagram({ port: nodePort, data: mark(name) }), { hopLimit: 255 }),
      ]),
    );
    const open = await field.volleyAtNode('attack/near', nodePort, packets);
    expect(open).toEqual(expect.arrayContaining(['own to link-local', 'own to node', 'own to node, IPv4']));
    await field.with(isolated, async () => {
      expect(await field.volleyAtNode('attack/near', nodePort, packets)).toEqual([]);
    });
  },
};

const localhost: Attack = {
  name: 'a pod reaches what its node keeps on 127.0.0.1, where kube-proxy has set route_localnet',
  standsFor: ['CVE-2020-8558'],
  outcome: 'dropped before conntrack, whatever the policies of the pod; so it is from outside',
  run: async (field) => {
    const loopback = address('127.0.0.1');
    const welcome = { 'ipv4/conf/all/route_localnet': '1' };
    await field.setting('node-1', welcome, async () => {
      const shots = Object.fromEntries(
        ['127.0.0.1', '127.8.8.8'].map((text) => [
          text,
          packet(
            { source: field.address('attack/near', 4), destination: address(text) },
            udpDatagram({ port: nodePort, data: mark(text) }),
          ),
        ]),
      );
      const both = packet(
        { source: loopback, destination: loopback },
        udpDatagram({ port: nodePort, data: mark('from itself') }),
      );
      const packets = { ...shots, 'from itself': both };
      expect(await field.volleyAtNode('attack/near', nodePort, packets)).toEqual([]);
    });
  },
};

export const links: Campaign = {
  title: 'Links and nodes',
  attacks: [rogueAdvertisement, rogueNeighbour, redirects, linkLocalNode, localhost],
};
