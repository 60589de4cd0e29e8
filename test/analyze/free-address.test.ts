import { describe, expect, it } from 'vitest';
import { freeAddress } from '../../src/analyze/free-address.ts';
import { PrefixOrder } from '../../src/analyze/prefix-order.ts';
import { cidr } from '../generate/universe.ts';

const free = (within: string, ...taken: string[]) => {
  const order = new PrefixOrder(taken.map(cidr));
  return order.covers(cidr(within)) ? undefined : freeAddress(cidr(within), order.inside(cidr(within)))?.text;
};

describe('freeAddress', () => {
  it('leaves out the first address of a gap if there is another', () => {
    expect(free('203.0.113.0/24')).toBe('203.0.113.1');
    expect(free('203.0.113.7/32')).toBe('203.0.113.7');
  });

  it('skips what is taken, nested and adjacent prefixes too', () => {
    expect(free('203.0.113.0/24', '203.0.113.0/25')).toBe('203.0.113.129');
    expect(free('203.0.113.0/24', '203.0.113.0/25', '203.0.113.3/32', '203.0.113.128/26')).toBe(
      '203.0.113.193',
    );
    expect(free('203.0.113.0/30', '203.0.113.0/31', '203.0.113.3/32')).toBe('203.0.113.2');
  });

  it('finds nothing where all is taken, by one or by many', () => {
    expect(free('203.0.113.0/24', '203.0.0.0/16')).toBeUndefined();
    expect(free('203.0.113.0/24', '203.0.113.0/24')).toBeUndefined();
    expect(free('203.0.113.0/31', '203.0.113.0/32', '203.0.113.1/32')).toBeUndefined();
  });

  it('does not care about other families and other places', () => {
    expect(free('2001:db8::/64', '0.0.0.0/0', '2001:db9::/32')).toBe('2001:db8::1');
  });

  it('reaches the end of the address space', () => {
    expect(free('255.255.255.254/31', '255.255.255.254/32')).toBe('255.255.255.255');
    expect(free('255.255.255.254/31', '255.255.255.255/32')).toBe('255.255.255.254');
  });
});
