import { describe, expect, test } from 'vitest';
import {
  childCommands,
  parentCommands,
  setCommand,
  unsetCommand,
} from '../../../src/lab/network/ip-commands.ts';
import { isAssignable, topologyOf, type Link } from '../../../src/lab/network/topology.ts';
import { address, cluster, node, pod, service } from './small-cluster.ts';

const dns = service('kube-system/kube-dns', ['10.96.0.10'], []);
const shop = cluster({
  nodes: [node('n1', '172.18.0.2', 'fd00:18::2'), node('n2', '172.18.0.3')],
  pods: [
    pod('shop/cart', 'n1', '10.244.0.2', 'fd00:244::2'),
    pod('shop/redis', 'n2', '192.168.7.7'),
    { ...pod('shop/agent', 'n2', '172.18.0.3'), hostNetwork: true },
    { ...pod('shop/done', 'n2'), phase: 'Succeeded' },
  ],
  services: [dns],
  families: [4, 6],
});
const topology = topologyOf('demo', shop, [
  address('8.8.8.8'),
  address('2001:db8::1'),
  address('8.8.8.8'),
  address('127.0.0.1'),
]);

describe('topology', () => {
  test('is the world, its nodes, and the pods that have addresses of their own', () => {
    expect(topology.map(({ netns, role, link }) => [netns, role, link?.parent, link?.addresses])).toEqual([
      ['bh-demo.world', 'world', undefined, undefined],
      ['bh-demo.node.n1', 'node', 'bh-demo.world', ['172.18.0.2/32', 'fd00:18::2/128']],
      ['bh-demo.node.n2', 'node', 'bh-demo.world', ['172.18.0.3/32']],
      ['bh-demo.pod.shop.cart', 'pod', 'bh-demo.node.n1', ['10.244.0.2/32', 'fd00:244::2/128']],
      ['bh-demo.pod.shop.redis', 'pod', 'bh-demo.node.n2', ['192.168.7.7/32']],
    ]);
  });

  test('the world has every external address once, and routes to every pod through its node', () => {
    const [world, n1, n2] = topology;
    expect(world?.settings).toEqual({
      netns: 'bh-demo.world',
      lines: ['addr 8.8.8.8/32 dev lo', 'addr 2001:db8::1/128 dev lo nodad'],
    });
    const [device1, device2] = [n1?.link?.interface, n2?.link?.interface];
    expect(n1?.settings).toEqual({
      netns: 'bh-demo.world',
      lines: [
        `route 10.244.0.2/32 via 240.0.0.1 dev ${device1} onlink`,
        `route fd00:244::2/128 via fe80::2 dev ${device1} onlink`,
      ],
    });
    expect(n2?.settings.lines).toEqual([`route 192.168.7.7/32 via 240.0.0.1 dev ${device2} onlink`]);
  });

  test('pods resolve names as the kubelet sets it up, nodes do not', () => {
    expect(topology.find(({ netns }) => netns.endsWith('.cart'))?.resolver).toBe(
      'nameserver 10.96.0.10\nsearch shop.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n',
    );
    expect(topology[1]?.resolver).not.toContain('nameserver');
  });

  test('interface names fit the kernel and differ', () => {
    const names = topology.flatMap(({ link }) => link?.interface ?? []);
    expect(names.every((name) => name.length <= 15)).toBe(true);
    expect(new Set(names).size).toBe(4);
  });
});

describe('commands', () => {
  const link = {
    parent: 'bh-demo.node.n1',
    interface: 'veth0',
    alias: 'shop/cart',
    addresses: ['10.244.0.2/32', 'fd00:244::2/128'],
    families: [4, 6],
  } satisfies Link;

  test('parent end', () => {
    expect(parentCommands('bh-demo.pod.shop.cart', link).join('\n')).toMatchInlineSnapshot(`
      "link add name veth0 address ee:ee:ee:ee:ee:ee type veth peer name eth0 address ee:ee:ee:ee:ee:01 netns bh-demo.pod.shop.cart
      link set dev veth0 alias shop/cart up
      addr add fe80::1/64 dev veth0 nodad
      neigh add 240.0.0.1 lladdr ee:ee:ee:ee:ee:01 dev veth0 nud permanent
      neigh add fe80::2 lladdr ee:ee:ee:ee:ee:01 dev veth0 nud permanent
      neigh add 10.244.0.2 lladdr ee:ee:ee:ee:ee:01 dev veth0 nud permanent
      route add 10.244.0.2/32 dev veth0
      neigh add fd00:244::2 lladdr ee:ee:ee:ee:ee:01 dev veth0 nud permanent
      route add fd00:244::2/128 dev veth0"
    `);
  });

  test('child end', () => {
    expect(childCommands(link).join('\n')).toMatchInlineSnapshot(`
      "link set dev lo up
      link set dev eth0 up
      addr add 10.244.0.2/32 dev eth0
      addr add fd00:244::2/128 dev eth0 nodad
      neigh add 169.254.1.1 lladdr ee:ee:ee:ee:ee:ee dev eth0 nud permanent
      route add 169.254.1.1 dev eth0 scope link
      route add default via 169.254.1.1 dev eth0
      neigh add fe80::1 lladdr ee:ee:ee:ee:ee:ee dev eth0 nud permanent
      route add default via fe80::1 dev eth0"
    `);
  });

  test('a cluster of one family has nothing of the other', () => {
    const ipv4: Link = { ...link, addresses: ['10.244.0.2/32'], families: [4] };
    expect([...parentCommands('c', ipv4), ...childCommands(ipv4)].join('\n')).not.toMatch(/fe80|fd00|nodad/);
    const ipv6: Link = { ...link, addresses: ['fd00:244::2/128'], families: [6] };
    expect([...parentCommands('c', ipv6), ...childCommands(ipv6)].join('\n')).not.toMatch(
      /\d+\.\d+\.\d+\.\d+/,
    );
  });

  test('settings are set in an idempotent way and unset', () => {
    const lines = topology.flatMap(({ settings }) => settings.lines).slice(0, 3);
    expect(lines.map(setCommand)).toEqual([
      'addr replace 8.8.8.8/32 dev lo',
      'addr replace 2001:db8::1/128 dev lo nodad',
      `route replace 10.244.0.2/32 via 240.0.0.1 dev ${topology[1]?.link?.interface} onlink`,
    ]);
    expect(lines.map(unsetCommand)).toEqual([
      'addr del 8.8.8.8/32 dev lo',
      'addr del 2001:db8::1/128 dev lo',
      `route del 10.244.0.2/32 via 240.0.0.1 dev ${topology[1]?.link?.interface} onlink`,
    ]);
  });
});

test.each([
  ['8.8.8.8', true],
  ['10.0.0.0', true],
  ['169.254.169.254', true],
  ['169.254.1.1', true],
  ['0.0.0.0', false],
  ['127.0.0.1', false],
  ['0.1.2.3', false],
  ['240.0.0.1', false],
  ['224.0.0.1', false],
  ['239.255.255.255', false],
  ['255.255.255.255', false],
  ['2001:db8::1', true],
  ['::2', true],
  ['::', false],
  ['::1', false],
  ['fe80::1', false],
  ['febf::1', false],
  ['fec0::1', true],
  ['ff02::1', false],
])('%s can be an address of the outside world: %s', (text, expected) => {
  expect(isAssignable(address(text))).toBe(expected);
});
