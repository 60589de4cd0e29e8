/**
 * How long the compiler takes and how much it holds, for clusters of several shapes: a whole cluster at once, and
 * change after change, for one node as its agent does it. Each in a process of its own, bundled as it is shipped.
 * Arguments after `--`: `-o json` prints the same as data.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import type { FollowReport, MeasuredChange } from './follow.ts';
import { profiles } from './profile-clusters.ts';

function measure(bundle: string, profile: string): FollowReport {
  const flags = ['--expose-gc', '--max-old-space-size=6144'];
  const options = { encoding: 'utf8', maxBuffer: 2 ** 24 } as const;
  const report: FollowReport = JSON.parse(
    execFileSync(process.execPath, [...flags, bundle, profile], options),
  );
  return report;
}

function number(value: number): string {
  return value.toLocaleString('en');
}

function describeChange({ name, goal, cpu, p50, p99, most, rows }: MeasuredChange): string {
  const times = [cpu, p50, p99, most].map((ms) => ms.toFixed(2).padStart(8)).join(' ');
  const verdict = (goal === undefined ? '' : `${p99 <= goal ? '≤' : '>'} ${goal}`).padStart(6);
  const sizes = [rows.p50, rows.p99, rows.most].map((count) => number(count).padStart(7)).join(' ');
  return `    ${name.padEnd(48)} ${times} ${verdict}   ${sizes}`;
}

function describeEntries({ node, perEndpoint, perPolicy }: FollowReport['entries']): string {
  const own = node ? node.prefixes + node.setIdentities + node.ports : 0;
  return (
    `  entries: ${number(own)} on the busiest node, beside the addresses; with a policy map per endpoint ` +
    `${number(perEndpoint.entries)}, the largest of ${number(perEndpoint.largest)}; with a set per selector ` +
    `${number(perPolicy.sets)} sets of ${number(perPolicy.members)} members, and ${number(perPolicy.rules)} rules`
  );
}

function describe({ profile, pods, policies, ...report }: FollowReport): string {
  const sizes = Object.entries(report.program).map(([name, count]) => `${number(count)} ${name}`);
  const { load, rssMiB } = report;
  return [
    `${profile}: ${number(policies)} policies × ${number(pods)} pods`,
    `  whole cluster compiled in ${report.fullCompile.toFixed(0)} ms: ${sizes.join(', ')}`,
    describeEntries(report.entries),
    `  followed for one node: ${load.ms.toFixed(0)} ms for the first ${number(load.rows)} rows, ` +
      `of which ${number(load.addresses)} are addresses`,
    `  memory of the process ${rssMiB.followed} MiB, of which ${rssMiB.cluster} MiB before (Node.js and the cluster)`,
    `    ${'a change, ms to the finished delta; its rows'.padEnd(48)}  cpu avg      p50      p99      max p99/goal      p50     p99     max`,
    ...report.changes.map(describeChange),
    '',
  ].join('\n');
}

const directory = mkdtempSync(join(tmpdir(), 'bulkhead-bench-'));
const asJson = process.argv.slice(2).join(' ') === '-o json';
try {
  const bundle = join(directory, 'follow.mjs');
  const entry = join(import.meta.dirname, 'follow.ts');
  buildSync({ entryPoints: [entry], outfile: bundle, bundle: true, platform: 'node', format: 'esm' });
  const reports = [];
  for (const profile of Object.keys(profiles)) {
    const report = measure(bundle, profile);
    reports.push(report);
    if (!asJson) process.stdout.write(`${describe(report)}\n`);
  }
  const load = loadavg().map((average) => average.toFixed(1));
  if (asJson) process.stdout.write(`${JSON.stringify({ load, reports }, undefined, 2)}\n`);
  else process.stdout.write(`Load averages of the machine at the end: ${load.join(' ')}\n`);
} finally {
  rmSync(directory, { recursive: true });
}
