import { describe, expect, test } from 'vitest';
import { resolvePlain } from '../../src/objects/scalar.ts';

describe('resolvePlain reads words as sigs.k8s.io/yaml does', () => {
  test.each([
    ['yes', true],
    ['On', true],
    ['y', true],
    ['NO', false],
    ['off', false],
    ['true', true],
    ['yEs', 'yEs'],
    ['', null],
    ['~', null],
    ['Null', null],
    ['80', 80],
    ['+80', 80],
    ['-1', -1],
    ['0x1F', 31],
    ['0777', 511],
    ['0o17', 15],
    ['0b101', 5],
    ['1_000', 1000],
    ['08', 8],
    ['1.5', 1.5],
    ['1e3', 1000],
    ['.5', 0.5],
    ['1.2.3', '1.2.3'],
    ['22:22', '22:22'],
    ['2024-01-01', '2024-01-01'],
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['-', '-'],
    ['0x', '0x'],
    ['http', 'http'],
  ])('%j → %j', (text, value) => {
    expect(resolvePlain(text)).toBe(value);
  });
});
