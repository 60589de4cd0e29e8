/** What the machine lacks is said plainly, before anything is touched, with the remedy. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadObject } from '../../src/datapath/ebpf/object.ts';
import { requireBpf } from '../../src/datapath/ebpf/requirements.ts';
import { BulkheadError } from '../../src/errors.ts';
import { openLibbpf } from '../../src/kernel/libbpf.ts';
import { hasClang, withObject } from './broken-objects.ts';
import { isRoot, testCapacity } from './kernel-tables.ts';

const good = { root: true, kernel: '6.18.44-cloud', btf: true };

test('a machine that has everything', () => {
  expect(() => {
    requireBpf(good);
  }).not.toThrow();
});

test.each([
  ['BPF_NOT_ROOT', { root: false }],
  ['BPF_KERNEL_TOO_OLD', { kernel: '6.3.99' }],
  ['BPF_KERNEL_TOO_OLD', { kernel: '5.15.0-91-generic' }],
  ['BPF_NO_BTF', { btf: false }],
])('%s with %o', (code, lack) => {
  expect(
    failureOf(() => {
      requireBpf({ ...good, ...lack });
    }),
  ).toEqual({ code, hint: expect.any(String) });
});

test('the first kernel that is new enough', () => {
  expect(() => {
    requireBpf({ ...good, kernel: '6.4.0' });
  }).not.toThrow();
});

test('no libbpf', () => {
  const failure = failureOf(() => openLibbpf('libbpf-that-is-not-there.so.1'));
  expect(failure).toEqual({ code: 'BPF_LIBRARY_MISSING', hint: expect.stringContaining('libbpf1') });
});

test('no object file', () => {
  const failure = failureOf(() =>
    loadObject({ objectPath: '/nonexistent/bulkhead.bpf.o', capacity: testCapacity }),
  );
  expect(failure).toEqual({
    code: 'BPF_OBJECT_MISSING',
    hint: expect.stringContaining('scripts/build-bpf.sh'),
  });
});

describe.skipIf(!isRoot)('[root] with libbpf', () => {
  test('a file that is no object file', () => {
    const directory = mkdtempSync(join(tmpdir(), 'bulkhead-test-'));
    try {
      const objectPath = join(directory, 'bulkhead.bpf.o');
      writeFileSync(objectPath, 'not an object');
      const failure = failureOf(() => loadObject({ objectPath, capacity: testCapacity }));
      expect(failure).toEqual({ code: 'BPF_OBJECT_UNREADABLE', hint: expect.any(String) });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test.skipIf(!hasClang)('an object of other sources', async () => {
    const options = {
      file: 'bpf/options.h',
      from: '\t__u64 test_flows;\n',
      to: '\t__u64 test_flows;\n\t__u64 later;\n',
    };
    await withObject([options], (objectPath) => {
      const failure = failureOf(() => loadObject({ objectPath, capacity: testCapacity }));
      expect(failure).toEqual({ code: 'BPF_OBJECT_STALE', hint: expect.stringContaining('npm run setup') });
    });
  });
});

function failureOf(action: () => unknown): { code: string; hint: string | undefined } {
  try {
    action();
  } catch (error) {
    if (error instanceof BulkheadError) return { code: error.code, hint: error.diagnostics[0]?.hint };
    throw error;
  }
  throw new Error('nothing was thrown');
}
