/**
 * A lab of 100 pods as a user meets it, through the command line: up, all pairs probed, one policy applied live, down.
 * Needs root. Prints medians where a step is repeated.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChangeResult } from '../lab/protocol.ts';
import { manifests, policy } from './hundred-pods.ts';

const lab = `bench-${process.pid}`;
const applies = 15;

const root = join(import.meta.dirname, '../..');

/** Runs a lab command; gives its standard output and how long it took as a whole, in seconds. */
function run(command: string, ...args: readonly string[]): { output: string; seconds: number } {
  const started = performance.now();
  const all = ['src/cli/main.ts', 'lab', command, '--name', lab, ...args];
  const child = spawnSync(process.execPath, all, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (child.status !== 0) throw new Error(`lab ${command}: ${child.stderr}${child.error?.message ?? ''}`);
  return { output: child.stdout, seconds: (performance.now() - started) / 1000 };
}

function change(command: string, ...args: readonly string[]): ChangeResult {
  return JSON.parse(run(command, '-o', 'json', ...args).output) as ChangeResult;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function report(what: string, value: string, goal: string): void {
  console.log(`${what.padEnd(58)} ${value.padStart(10)}   goal ${goal}`);
}

if (process.geteuid?.() !== 0) {
  console.log('skipped: a lab needs root');
} else {
  const directory = mkdtempSync(join(tmpdir(), 'bulkhead-bench-'));
  try {
    const [all, one] = [join(directory, 'all.yaml'), join(directory, 'one.yaml')];
    writeFileSync(all, manifests());
    writeFileSync(one, policy({ name: 'extra', subject: 'app-3', caller: 'app-7' }));

    report('up, 100 pods, 20 policies', `${run('up', all).seconds.toFixed(1)} s`, '10 s');

    const changes = Array.from({ length: applies }, () => {
      const applied = change('apply', '-f', one);
      change('delete', '-f', one);
      return applied;
    });
    const [first] = changes;
    const ms = (pick: (timings: ChangeResult['timings']) => number) =>
      `${median(changes.map(({ timings }) => pick(timings))).toFixed(2)} ms`;
    report(
      'apply of one policy: parsed → in every kernel, the first',
      `${first?.timings.enforcedMs.toFixed(2)} ms`,
      '5 ms',
    );
    report(
      `the same, median of ${applies}`,
      ms((timings) => timings.enforcedMs),
      '5 ms',
    );
    report(
      '  of that in the kernel',
      ms((timings) => timings.kernelMs),
      '–',
    );

    const probe = run('probe', '-o', 'json');
    const { agree, differences } = JSON.parse(probe.output) as {
      agree: number;
      differences: readonly unknown[];
    };
    report(
      `probe, ${agree} cells agree, ${differences.length} differ`,
      `${probe.seconds.toFixed(1)} s`,
      '20 s',
    );

    report('down', `${run('down').seconds.toFixed(1)} s`, '3 s');
  } finally {
    rmSync(directory, { recursive: true });
    spawnSync(process.execPath, ['src/cli/main.ts', 'lab', 'down', '--name', lab], { cwd: root });
  }
}
