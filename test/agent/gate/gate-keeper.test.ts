/** The plugin on a node's disk and in its CNI configuration: installed, kept, started as a runtime starts it, removed. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { joinCniChain, leaveCniChain } from '../../../src/agent/gate/cni-chain.ts';
import { GateKeeper, removeGate } from '../../../src/agent/gate/gate-keeper.ts';
import { installGateProgram } from '../../../src/agent/gate/gate-program.ts';
import { BulkheadError } from '../../../src/errors.ts';
import { isRoot } from '../../datapath/kernel-tables.ts';

let root = '';
let [configuration, plugins] = ['', ''];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'bulkhead-gate-'));
  configuration = join(root, 'net.d');
  plugins = join(root, 'bin');
  for (const directory of [configuration, plugins]) mkdirSync(directory);
});

afterEach(() => rmSync(root, { recursive: true }));

const list = { cniVersion: '1.0.0', name: 'pods', plugins: [{ type: 'ptp', ipam: {} }, { type: 'portmap' }] };
const gate = { type: 'bulkhead-gate', socket: '/run/bulkhead/gate.sock' };
const write = (name: string, value: unknown): void =>
  writeFileSync(join(configuration, name), JSON.stringify(value));
const read = (name: string): unknown => JSON.parse(readFileSync(join(configuration, name), 'utf8'));
const codeOf = (action: () => unknown): string => {
  try {
    action();
    return '';
  } catch (error) {
    return error instanceof BulkheadError ? error.code : String(error);
  }
};

describe('the chain', () => {
  test('gets the plugin as its last, once, in the file that counts, and nothing else changes', () => {
    write('10-pods.conflist', list);
    write('20-other.conflist', list);
    chmodSync(join(configuration, '10-pods.conflist'), 0o640);
    expect(joinCniChain(configuration, gate.socket)).toBe(true);
    expect(joinCniChain(configuration, gate.socket)).toBe(false);
    expect(read('10-pods.conflist')).toEqual({ ...list, plugins: [...list.plugins, gate] });
    expect(read('20-other.conflist')).toEqual(list);
    expect(statSync(join(configuration, '10-pods.conflist')).mode & 0o777).toBe(0o640);
    expect(readdirSync(configuration)).toHaveLength(2);
  });

  test('is left as it was, in every file', () => {
    write('10-pods.conflist', { ...list, plugins: [...list.plugins, gate] });
    write('20-other.conflist', { ...list, plugins: [gate] });
    write('30-single.conf', { type: 'ptp' });
    expect(leaveCniChain(configuration)).toHaveLength(2);
    expect(read('10-pods.conflist')).toEqual(list);
    expect(read('20-other.conflist')).toEqual({ ...list, plugins: [] });
    expect(leaveCniChain(configuration)).toEqual([]);
    expect(leaveCniChain(join(root, 'nowhere'))).toEqual([]);
  });

  test('is missed where there is no configuration, or one of a single plugin', () => {
    expect(codeOf(() => joinCniChain(configuration, gate.socket))).toBe('GATE_NO_CHAIN');
    write('10-single.conf', { type: 'ptp' });
    expect(codeOf(() => joinCniChain(configuration, gate.socket))).toBe('GATE_NO_CHAIN');
    expect(read('10-single.conf')).toEqual({ type: 'ptp' });
  });
});

describe('the keeper', () => {
  const keeper = (log: string[] = []): GateKeeper =>
    new GateKeeper(
      { cniDirectory: configuration, cniPluginDirectory: plugins, runDirectory: '/run/bulkhead', bpffs: '' },
      { log: (_, message) => log.push(message) },
    );

  test('puts it back where the CNI has written its file anew, or somebody has removed the program', () => {
    const log: string[] = [];
    const kept = keeper(log);
    expect(kept.keep()).toMatchObject({ ok: false, reason: 'GATE_NO_CHAIN' });
    write('10-pods.conflist', list);
    expect(kept.keep()).toMatchObject({ ok: true });
    write('10-pods.conflist', { ...list, plugins: list.plugins.slice(0, 1) });
    rmSync(join(plugins, 'bulkhead-gate'));
    expect(kept.keep()).toMatchObject({ ok: true });
    expect(read('10-pods.conflist')).toMatchObject({ plugins: [{ type: 'ptp' }, gate] });
    expect(existsSync(join(plugins, 'bulkhead-gate'))).toBe(true);
    const before = log.length;
    kept.keep();
    keeper(log).keep();
    expect(log).toHaveLength(before);
  });

  test('says what is wrong where it may not write', () => {
    write('10-pods.conflist', list);
    rmSync(plugins, { recursive: true });
    writeFileSync(plugins, 'in the way');
    expect(keeper().keep()).toMatchObject({ ok: false, reason: 'GATE_NOT_INSTALLED' });
    expect(read('10-pods.conflist')).toEqual(list);
  });

  test('leaves nothing behind when it is removed, and removes nothing that is not its own', () => {
    write('10-pods.conflist', list);
    writeFileSync(join(plugins, 'ptp'), '');
    keeper().keep();
    removeGate({ cniDirectory: configuration, cniPluginDirectory: plugins });
    expect(readdirSync(plugins)).toEqual(['ptp']);
    expect(read('10-pods.conflist')).toEqual(list);
  });
});

describe('the program', () => {
  test('is replaced by that of another version, and the one in use stays until the next time', () => {
    const folders = (): string[] => readdirSync(plugins).filter((name) => name.startsWith('.'));
    expect(installGateProgram(plugins, '1;')).toBe(true);
    expect(installGateProgram(plugins, '1;')).toBe(false);
    const [first] = folders();
    installGateProgram(plugins, '2;');
    expect(folders()).toHaveLength(2);
    installGateProgram(plugins, '3;');
    expect(folders()).toHaveLength(2);
    expect(folders()).not.toContain(first);
    expect(readFileSync(join(plugins, 'bulkhead-gate'), 'utf8')).toMatch(/^#!.*\n3;$/);
  });

  test.skipIf(!isRoot)('[root] runs on a node that has nothing: no Node.js, no libraries, no shell', () => {
    const node = join(root, 'node');
    const directory = join(node, 'opt/cni/bin');
    mkdirSync(directory, { recursive: true });
    installGateProgram(directory);
    // There the folder has the path that it has on the node.
    for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
      const path = join(directory, name);
      if (!/(?:start|bulkhead-gate)$/.test(name) || statSync(path).isDirectory()) continue;
      writeFileSync(path, readFileSync(path, 'utf8').replaceAll(node, ''));
    }
    const { stdout, stderr, status } = spawnSync('chroot', [node, '/opt/cni/bin/bulkhead-gate'], {
      input: '{"cniVersion":"1.0.0"}',
      env: { PATH: process.env.PATH, CNI_COMMAND: 'VERSION' },
      encoding: 'utf8',
    });
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    expect(JSON.parse(stdout)).toMatchObject({ cniVersion: '1.0.0' });
  });
});
