import { describe, expect, it } from 'vitest';
import type { CellName } from '../../src/conformance/expectation.ts';
import { fits, parseExpectation } from '../../src/conformance/expectation.ts';

const cell: CellName = {
  from: 'x/a',
  to: 'y/b',
  port: { protocol: 'TCP', port: 80 },
  family: 4,
  primary: true,
};

const fitsLine = (text: string, changes: Partial<CellName> = {}) =>
  fits(parseExpectation(text, 'test'), { ...cell, ...changes });

describe('a line of a truth table', () => {
  it.each([
    'deny from * to *',
    'deny from x/* to y/*',
    'deny from */a to */b',
    'deny from z/a,x/a to y/b',
    'deny from * to * on 80/TCP',
    'deny from * to * on 80',
    'deny from * to * on TCP',
    'deny from * to * on 81/TCP,80/TCP',
    'deny from * to * except on 81/TCP',
    'deny from * to * on TCP except on 81',
    'deny from * to * over primary',
    'deny from * to * over IPv4',
    'deny from * to * on 80 over IPv4',
  ])('fits: %s', (text) => {
    expect(fitsLine(text)).toBe(true);
  });

  it.each([
    'deny from y/* to *',
    'deny from * to */a',
    'deny from * to * on 81',
    'deny from * to * on 80/UDP',
    'deny from * to * on UDP',
    'deny from * to * except on TCP',
    'deny from * to * over secondary',
    'deny from * to * over IPv6',
  ])('does not fit: %s', (text) => {
    expect(fitsLine(text)).toBe(false);
  });

  it('takes a namespace for what its name is, not for what it begins with', () => {
    expect(fitsLine('deny from x/* to *', { from: 'x-2/a' })).toBe(false);
    expect(fitsLine('deny from */a to *', { from: 'x/ba' })).toBe(false);
  });

  it.each([
    'forbid from * to *',
    'deny * to *',
    'deny from * to * at 80',
    'deny from * to * over IPv5',
    'deny from a b to c',
  ])('is refused: %s', (text) => {
    expect(() => parseExpectation(text, 'file: case')).toThrow(
      /CONFORMANCE_CASE_INVALID: file: case: not a line/,
    );
  });
});
