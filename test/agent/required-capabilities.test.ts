/** What the agent asks of the kernel is what it needs: with it an engine works, and without any of it not. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requireCapabilities } from '../../src/agent/required-capabilities.ts';
import { BulkheadError } from '../../src/errors.ts';
import { missingCapabilities, type Capability } from '../../src/kernel/capabilities.ts';

const status = (mask: bigint): string => `Name:\tnode\nCapEff:\t${mask.toString(16).padStart(16, '0')}\n`;
const bit = { NET_ADMIN: 1n << 12n, SYS_ADMIN: 1n << 21n, PERFMON: 1n << 38n, BPF: 1n << 39n };

describe('capabilities', () => {
  test('are read from what the kernel says of the process', () => {
    expect(missingCapabilities(['BPF', 'NET_ADMIN'], status(bit.BPF))).toEqual(['NET_ADMIN']);
    expect(missingCapabilities(['BPF', 'NET_ADMIN'], status(bit.BPF | bit.NET_ADMIN))).toEqual([]);
    expect(missingCapabilities(['PERFMON'], status(0n))).toEqual(['PERFMON']);
  });

  test('CAP_SYS_ADMIN stands for what was split from it', () => {
    expect(missingCapabilities(['BPF', 'NET_ADMIN', 'PERFMON'], status(bit.SYS_ADMIN))).toEqual([
      'NET_ADMIN',
    ]);
  });

  test('that are missing are named, with what to write into the pod', () => {
    const refused = expectRefusal(() => requireCapabilities('auto', ['BPF', 'PERFMON']));
    expect(refused.code).toBe('AGENT_CAPABILITY_MISSING');
    expect(refused.diagnostics[0]?.message).toContain('CAP_BPF and CAP_PERFMON');
    expect(refused.diagnostics[0]?.hint).toContain('add: [BPF, NET_ADMIN, PERFMON]');
    expect(() => requireCapabilities('nftables', [])).not.toThrow();
  });
});

function expectRefusal(action: () => void): BulkheadError {
  try {
    action();
  } catch (error) {
    if (error instanceof BulkheadError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

const isRoot = process.geteuid?.() === 0;

describe.skipIf(!isRoot)('[root] an engine', () => {
  let bpffs = '';
  beforeAll(() => (bpffs = mkdtempSync(join(tmpdir(), 'bulkhead-capabilities-'))));
  afterAll(() => rmdirSync(bpffs));

  /** In network and mount namespaces of its own; whether it worked. */
  function works(engine: 'ebpf' | 'nftables', capabilities: readonly Capability[]): boolean {
    const set = ['-all', ...capabilities.map((name) => `+${name.toLowerCase()}`)].join(',');
    const program = join(import.meta.dirname, 'fixtures/open-datapath.ts');
    const limited = ['setpriv', `--bounding-set=${set}`, `--inh-caps=${set}`, '--no-new-privs'];
    const script = 'mount -t bpf bpf "$1" && shift && exec "$@"';
    const command = [...limited, process.execPath, program, engine, bpffs];
    const { status: code, error } = spawnSync(
      'unshare',
      ['--net', '--mount', 'sh', '-c', script, 'sh', bpffs, ...command],
      { stdio: 'ignore' },
    );
    if (error) throw error;
    return code === 0;
  }

  test('works with what is asked for, and with nothing less', () => {
    expect(works('ebpf', ['BPF', 'NET_ADMIN', 'PERFMON'])).toBe(true);
    expect(works('ebpf', ['NET_ADMIN', 'PERFMON'])).toBe(false);
    expect(works('ebpf', ['BPF', 'PERFMON'])).toBe(false);
    expect(works('ebpf', ['BPF', 'NET_ADMIN'])).toBe(false);
    expect(works('nftables', ['NET_ADMIN'])).toBe(true);
    expect(works('nftables', [])).toBe(false);
  });
});
