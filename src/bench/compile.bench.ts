/**
 * How long the compiler takes: a whole large cluster at once, and one policy more or less in a small one. Single
 * thread, median of several runs. `-o json` prints the same as data.
 */
import { arch, cpus, release, totalmem } from 'node:os';
import { Compiler } from '../compiler/compiler.ts';
import { computeDelta, deltaSize } from '../compiler/delta.ts';
import { nodeTables } from '../compiler/node-tables.ts';
import type { Program } from '../compiler/program.ts';
import type { NodeTables } from '../compiler/tables.ts';
import { translatePolicies } from '../dialects/translate.ts';
import { uniformCluster } from './uniform-cluster.ts';
import type { ClusterSize } from './uniform-cluster.ts';

const large: ClusterSize = { policies: 10_000, pods: 100_000, namespaces: 1000 };
const small: ClusterSize = { policies: 20, pods: 100, namespaces: 2 };
const fullRuns = 5;
/** The first of them compile code that no run before has made fast. */
const changeRuns = { warmUp: 50, measured: 201 };

/** Milliseconds. */
interface Times {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

function summarize(times: readonly number[]): Times {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  return { median: at(Math.floor(sorted.length / 2)), least: at(0), most: at(sorted.length - 1) };
}

function timed<T>(work: () => T): { readonly result: T; readonly ms: number } {
  const start = performance.now();
  const result = work();
  return { result, ms: performance.now() - start };
}

function sizesOf({ addresses, cidrs, identities, sets, classes, rules }: Program) {
  return {
    addresses: addresses.size,
    prefixes: cidrs.size,
    identities: identities.size,
    sets: sets.size,
    'set × identity rows': sets.values().reduce((sum, set) => sum + set.classes.size, 0),
    classes: classes.size,
    'port prefixes': classes.values().reduce((sum, { ports }) => sum + ports.length, 0),
    rules: rules.size,
  };
}

function rowsOf({ addresses, cidrs, classes, ports }: NodeTables): number {
  return addresses.size + cidrs.size + classes.size + ports.size;
}

/** A fresh compiler each time, as when an agent starts. */
function measureFull() {
  const cluster = uniformCluster(large);
  const policies = translatePolicies(cluster);
  const times: number[] = [];
  let program = new Compiler().compile({ ...cluster, pods: new Map() }, []);
  for (let run = 0; run < fullRuns; run += 1) {
    globalThis.gc?.();
    const { result, ms } = timed(() => new Compiler().compile(cluster, policies));
    times.push(ms);
    program = result;
  }
  const { result: tables, ms } = timed(() => nodeTables(program, 'node-0', []));
  return {
    cluster: large,
    compileMs: summarize(times),
    program: sizesOf(program),
    oneNode: { ms, rows: rowsOf(tables) },
  };
}

/** One policy comes and goes; the compiler knows everything else. */
function measureChange() {
  const cluster = uniformCluster(small);
  const policies = translatePolicies(cluster);
  const compiler = new Compiler();
  let tables = nodeTables(compiler.compile(cluster, policies), 'node-0', []);
  const compileTimes: number[] = [];
  const deltaTimes: number[] = [];
  let writes = 0;
  for (let run = 0; run < changeRuns.warmUp + changeRuns.measured; run += 1) {
    const wanted = run % 2 === 0 ? policies.slice(1) : policies;
    const { result: program, ms: compileMs } = timed(() => compiler.compile(cluster, wanted));
    const { result: change, ms: deltaMs } = timed(() => {
      const next = nodeTables(program, 'node-0', []);
      return { next, delta: computeDelta(tables, next) };
    });
    tables = change.next;
    writes = deltaSize(change.delta);
    if (run < changeRuns.warmUp) continue;
    compileTimes.push(compileMs);
    deltaTimes.push(deltaMs);
  }
  return {
    cluster: small,
    compileMs: summarize(compileTimes),
    deltaMs: summarize(deltaTimes),
    rows: rowsOf(tables),
    writes,
  };
}

function machine() {
  return {
    cpus: cpus().length,
    model: cpus()[0]?.model ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    architecture: arch(),
    node: process.version,
  };
}

function describeCluster({ policies, pods, namespaces }: ClusterSize): string {
  return [
    `${policies.toLocaleString('en')} policies`,
    `${pods.toLocaleString('en')} pods`,
    `${namespaces.toLocaleString('en')} namespaces`,
  ].join(' × ');
}

function describeTimes({ median, least, most }: Times): string {
  return `${median.toFixed(1)} ms (${least.toFixed(1)} to ${most.toFixed(1)})`;
}

const report = { machine: machine(), full: measureFull(), change: measureChange() };

if (process.argv.slice(2).join(' ') === '-o json') {
  process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
} else {
  const { full, change } = report;
  const lines = [
    `${report.machine.cpus} × ${report.machine.model}, Linux ${report.machine.kernel}, Node.js ${report.machine.node}`,
    `Whole cluster: ${describeCluster(full.cluster)}, median of ${fullRuns}`,
    `  compile           ${describeTimes(full.compileMs)}; goal ≤ 5000 ms`,
    ...Object.entries(full.program).map(([name, count]) => `    ${name}: ${count.toLocaleString('en')}`),
    `  tables of a node  ${full.oneNode.ms.toFixed(1)} ms, ${full.oneNode.rows.toLocaleString('en')} rows`,
    `One policy comes or goes: ${describeCluster(change.cluster)}, median of ${changeRuns.measured}`,
    `  compile           ${describeTimes(change.compileMs)}; goal ≤ 2 ms`,
    `  tables and delta  ${describeTimes(change.deltaMs)}, ${change.writes} of ${change.rows} rows written`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
