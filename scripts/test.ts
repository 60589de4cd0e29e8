/**
 * Runs the gates (types, lint, format) and the tests, and closes with one line that counts all of them. A gate counts
 * as one test. Exits with 1 if anything failed or no test ran.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The part of vitest's JSON report that is read here. */
interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: 'passed' | 'failed';
    readonly message: string;
    readonly assertionResults: readonly {
      readonly ancestorTitles: readonly string[];
      readonly fullName: string;
      readonly status: 'passed' | 'failed' | 'skipped' | 'pending' | 'todo' | 'disabled';
      readonly duration?: number | null;
    }[];
  }[];
}

interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Runs a program of node_modules under this Node.js, its output straight to the terminal; true if it exits with 0. */
function run(program: string, args: readonly string[], prefix: readonly string[] = []): boolean {
  const [command = '', ...rest] = [...prefix, process.execPath, join(root, 'node_modules', program), ...args];
  return spawnSync(command, rest, { cwd: root, stdio: 'inherit' }).status === 0;
}

/** What runs the tests as root; undefined if nobody here can become root. Never asks for a password. */
function rootPrefix(): readonly string[] | undefined {
  if (process.getuid?.() === 0) return [];
  const sudo = ['sudo', '-n', '--preserve-env=CI'];
  return spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0 ? sudo : undefined;
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}

const gates: readonly (readonly [name: string, program: string, args: readonly string[]])[] = [
  ['types', 'typescript/bin/tsc', ['-p', '.']],
  ['lint', 'oxlint/bin/oxlint', ['--quiet']],
  ['format', 'prettier/bin/prettier.cjs', ['--check', '--cache', '--log-level=warn', '.']],
];

function runGates(): Count {
  let failed = 0;
  for (const [name, program, args] of gates) {
    const start = performance.now();
    const ok = run(program, args);
    console.log(`${ok ? 'ok  ' : 'FAIL'} ${name} (${seconds(start)})`);
    if (!ok) failed++;
  }
  return { passed: gates.length - failed, failed, skipped: 0 };
}

function runTests(filters: readonly string[]): Report | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'bulkhead-test-'));
  const file = join(folder, 'report.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const prefix = rootPrefix();
  if (!prefix) console.log('Not root, and no sudo without a password: tests that need it are skipped.');
  // Other loaders write the config, compiled, into node_modules: as root, where root runs the tests for a user.
  run('vitest/vitest.mjs', ['run', '--configLoader=native', ...reporters, ...filters], prefix);
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Report;
  } catch (error) {
    console.error(`vitest left no report: ${String(error)}`);
    return undefined;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A file that could not even be loaded has no tests in the report and counts as one failure. */
function countTests(report: Report): Count {
  const tests = report.testResults.flatMap((file) => file.assertionResults);
  const passed = tests.filter((test) => test.status === 'passed').length;
  const failed = tests.filter((test) => test.status === 'failed').length;
  const broken = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length;
  return { passed, failed: failed + broken, skipped: tests.length - passed - failed };
}

/** What was skipped, by file and outermost group, so that a run without root says what it left out. */
function printSkipped(report: Report): void {
  const groups = new Map<string, number>();
  for (const file of report.testResults) {
    for (const test of file.assertionResults) {
      if (test.status === 'passed' || test.status === 'failed') continue;
      const group = `${relative(root, file.name)}: ${test.ancestorTitles[0] ?? test.fullName}`;
      groups.set(group, (groups.get(group) ?? 0) + 1);
    }
  }
  if (groups.size === 0) return;
  console.log('\nSkipped:');
  for (const [group, count] of groups) console.log(`  ${group} (${count})`);
}

function printSlowest(report: Report): void {
  const tests = report.testResults.flatMap((file) =>
    file.assertionResults.map((test) => ({ file: file.name, ...test })),
  );
  const slowest = tests.toSorted((a, b) => (b.duration ?? 0) - (a.duration ?? 0)).slice(0, 5);
  console.log('\nSlowest:');
  for (const test of slowest) {
    const duration = ((test.duration ?? 0) / 1000).toFixed(1).padStart(6);
    console.log(`${duration} s  ${relative(root, test.file)}: ${test.fullName}`);
  }
}

const start = performance.now();
const gateCount = runGates();
const report = runTests(process.argv.slice(2));
const testCount = report ? countTests(report) : { passed: 0, failed: 1, skipped: 0 };
if (report) {
  printSlowest(report);
  printSkipped(report);
}
const noTestRan = testCount.passed + testCount.failed === 0;
if (noTestRan) console.log('\nNo test ran.');
const failed = gateCount.failed + testCount.failed;
console.log(`\nGates and tests took ${seconds(start)}.`);
console.log(`${gateCount.passed + testCount.passed} passed, ${failed} failed, ${testCount.skipped} skipped`);
process.exitCode = failed > 0 || noTestRan ? 1 : 0;
