/** How long a user waits for offline commands: whole processes of bin/bulkhead, start-up included. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { manifests } from './hundred-pods.ts';

const root = join(import.meta.dirname, '../..');
const runs = 15;

/** Milliseconds of each run, ascending. */
function time(args: readonly string[]): number[] {
  const once = () => {
    const started = performance.now();
    const { status, stderr } = spawnSync('bin/bulkhead', args, { cwd: root, encoding: 'utf8' });
    if (status !== 0) throw new Error(`bulkhead ${args.join(' ')}: ${stderr}`);
    return performance.now() - started;
  };
  once();
  return Array.from({ length: runs }, once).toSorted((a, b) => a - b);
}

function report(what: string, times: readonly number[], goal: string): void {
  const [least, median, most] = [0, runs >> 1, runs - 1].map((index) => (times[index] ?? NaN).toFixed(0));
  console.log(`${what.padEnd(40)} ${median} ms (${least} to ${most}), median of ${runs}; goal ${goal}`);
}

const directory = mkdtempSync(join(tmpdir(), 'bulkhead-bench-'));
try {
  const file = join(directory, 'manifests.yaml');
  writeFileSync(file, manifests());
  report('start (bulkhead --version)', time(['--version']), '≤ 150 ms');
  report('check, 100 pods, 20 policies', time(['check', file]), '–');
  report('matrix, 100 pods, 20 policies', time(['matrix', file]), '≤ 500 ms');
  report('matrix of examples/shop', time(['matrix', 'examples/shop']), '–');
} finally {
  rmSync(directory, { recursive: true });
}
