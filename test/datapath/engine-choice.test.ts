import { expect, test } from 'vitest';
import { chooseEngine } from '../../src/datapath/engine-choice.ts';

test('eBPF where the machine can', () => {
  expect(chooseEngine('auto', undefined).engine).toBe('ebpf');
});

test('nftables where it can not, for the reason that it can not', () => {
  expect(chooseEngine('auto', 'the kernel is too old')).toEqual({
    engine: 'nftables',
    why: 'the kernel is too old',
  });
});

test.each(['ebpf', 'nftables'] as const)('%s where it is asked for', (wish) => {
  expect(chooseEngine(wish, 'the kernel is too old').engine).toBe(wish);
});
