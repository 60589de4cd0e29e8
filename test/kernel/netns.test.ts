import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createNetns, deleteNetns, inNetns, isNetns, netnsIdentity } from '../../src/kernel/netns.ts';

const own = '/proc/thread-self/ns/net';

describe.skipIf(process.getuid?.() !== 0)('[root] network namespaces', () => {
  const directory = mkdtempSync(`${tmpdir()}/bulkhead-netns-`);
  const home = netnsIdentity(own);
  const path = `${directory}/one`;

  beforeAll(() => createNetns(path));
  afterAll(() => {
    deleteNetns(path);
    rmSync(directory, { recursive: true });
  });

  test('a new one is another than ours, and the thread is back home', () => {
    expect(isNetns(path)).toBe(true);
    expect(netnsIdentity(path)).not.toBe(home);
    expect(netnsIdentity(own)).toBe(home);
  });

  test('code inside sees it, and so do its children', () => {
    expect(inNetns(path, () => netnsIdentity(own))).toBe(netnsIdentity(path));
    expect(inNetns(path, () => Object.keys(networkInterfaces()))).toEqual([]);
    const child = inNetns(path, () => spawnSync('readlink', ['/proc/self/ns/net'], { encoding: 'utf8' }));
    expect(child.stdout.trim()).not.toBe(readlinkSync('/proc/self/ns/net'));
    expect(netnsIdentity(own)).toBe(home);
  });

  test('settings inside are its own', () => {
    const setting = '/proc/sys/net/ipv4/ip_forward';
    const outside = readFileSync(setting, 'utf8');
    inNetns(path, () => writeFileSync(setting, '1'));
    expect(inNetns(path, () => readFileSync(setting, 'utf8'))).toBe('1\n');
    inNetns(path, () => writeFileSync(setting, '0'));
    expect(inNetns(path, () => readFileSync(setting, 'utf8'))).toBe('0\n');
    expect(readFileSync(setting, 'utf8')).toBe(outside);
  });

  test('it comes home from failures and from inside another one', () => {
    const second = `${directory}/two`;
    createNetns(second);
    expect(() =>
      inNetns(path, () => {
        throw new Error('inside');
      }),
    ).toThrow('inside');
    expect(netnsIdentity(own)).toBe(home);
    inNetns(path, () => {
      expect(inNetns(second, () => netnsIdentity(own))).toBe(netnsIdentity(second));
      expect(netnsIdentity(own)).toBe(netnsIdentity(path));
    });
    expect(netnsIdentity(own)).toBe(home);
    deleteNetns(second);
  });

  test('what fails while it is made leaves the thread at home', () => {
    const third = `${directory}/three`;
    expect(() =>
      createNetns(third, () => {
        throw new Error('while making');
      }),
    ).toThrow('while making');
    expect(netnsIdentity(own)).toBe(home);
    deleteNetns(third);
    expect(existsSync(third)).toBe(false);
  });

  test('names are not reused, leftover files are, and deleting twice is harmless', () => {
    expect(() => createNetns(path)).toThrow('already');
    const leftover = `${directory}/leftover`;
    writeFileSync(leftover, '');
    expect(isNetns(leftover)).toBe(false);
    createNetns(leftover);
    expect(isNetns(leftover)).toBe(true);
    deleteNetns(leftover);
    deleteNetns(leftover);
    expect(existsSync(leftover)).toBe(false);
  });

  test('what is no namespace is refused', () => {
    expect(() => inNetns(`${directory}/absent`, () => 0)).toThrow('ENOENT');
    const file = `${directory}/file`;
    writeFileSync(file, '');
    expect(() => inNetns(file, () => 0)).toThrow('EINVAL');
    expect(netnsIdentity(own)).toBe(home);
  });
});
