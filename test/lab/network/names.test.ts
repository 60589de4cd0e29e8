import { expect, test } from 'vitest';
import {
  interfaceName,
  labOfNetns,
  nodeNetns,
  podNetns,
  worldNetns,
} from '../../../src/lab/network/names.ts';
import { pod } from './small-cluster.ts';

test('names say lab, role and object', () => {
  expect(worldNetns('demo')).toBe('bh-demo.world');
  expect(nodeNetns('demo', 'worker-1.example.com')).toBe('bh-demo.node.worker-1.example.com');
  expect(podNetns('demo', pod('shop/cart-0', 'n1'))).toBe('bh-demo.pod.shop.cart-0');
  expect(podNetns('demo', { ...pod('shop/agent', 'n1'), hostNetwork: true })).toBe('bh-demo.node.n1');
});

test('names that are too long are cut and stay different', () => {
  const long = 'a'.repeat(253);
  const [one, other] = [`shop/${long}x`, `shop/${long}y`].map((key) => podNetns('demo', pod(key, 'n1')));
  expect(one).toHaveLength(200);
  expect(one).not.toBe(other);
  expect(labOfNetns(one ?? '')).toBe('demo');
});

test('a name tells its lab, and names of others tell none', () => {
  expect(labOfNetns('bh-my-lab.world')).toBe('my-lab');
  expect(labOfNetns('bh-a.pod.shop.cart')).toBe('a');
  expect(['world', 'bh-', 'bh-a', 'bh-a.worldly', 'xbh-a.world', 'bh-A.world'].map(labOfNetns)).toEqual(
    Array<undefined>(6).fill(undefined),
  );
});

test('an interface is named after its namespace alone', () => {
  expect(interfaceName('bh-demo.node.n1')).toBe(interfaceName('bh-demo.node.n1'));
  expect(interfaceName('bh-demo.node.n1')).not.toBe(interfaceName('bh-demo.node.n2'));
});

test.each(['shop/a\nlink del eth0', 'shop/../../etc', 'shop/a b', 'shop/A;', 'shop/"'])(
  'refuses %j',
  (key) => {
    expect(() => podNetns('demo', pod(key, 'n1'))).toThrow('no safe name');
  },
);
