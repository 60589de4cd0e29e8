import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ClaimFiles } from '../../../src/agent/gate/claim-files.ts';
import { makeAddress } from '../../../src/objects/ip.ts';

let directory = '';

beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'bulkhead-claims-')), 'gate');
});

afterEach(() => rmSync(join(directory, '..'), { recursive: true }));

const claim = (container: string) => ({
  container,
  pod: `shop/${container}`,
  uid: `uid-${container}`,
  addresses: [makeAddress(4, 0x0a00_0005n), makeAddress(6, 5n)],
  toldThen: ['10.0.0.4'],
});

test('claims are read as they were written, the oldest first, and only by their owner', () => {
  const files = new ClaimFiles(directory);
  for (const name of ['b', 'a', 'c']) files.put(claim(name));
  files.put(claim('b'));
  files.remove('c');
  expect(new ClaimFiles(directory).read()).toEqual([claim('a'), claim('b')]);
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  expect(statSync(join(directory, 'a')).mode & 0o777).toBe(0o600);
});

test('the rest of a write that was cut short is no claim, and goes', () => {
  const files = new ClaimFiles(directory);
  files.put(claim('a'));
  writeFileSync(join(directory, 'b.new'), '{"pod":"shop/b","uid":');
  expect(files.read()).toEqual([claim('a')]);
  expect(readdirSync(directory)).toEqual(['a']);
});
