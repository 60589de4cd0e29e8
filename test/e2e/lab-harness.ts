/** Drives real labs through the command line, as a user does. Needs root. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { ChangeReport, ProbeReport, StatusReport } from '../../src/cli/lab-reports.ts';
import type { FlowItem } from '../../src/observe/flow-log.ts';
import type { FlowRecord } from '../../src/observe/flow-record.ts';

const root = join(import.meta.dirname, '../..');

export interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `bulkhead ARGS`; never rejects for an exit code. */
export async function bulkhead(args: readonly string[], input = ''): Promise<Run> {
  const child = spawn(process.execPath, [join(root, 'src/cli/main.ts'), ...args], { cwd: root });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.end(input);
  const code = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode) => resolve(exitCode ?? -1));
  });
  return { code, stdout, stderr };
}

/** A lab of this test process alone. */
export class TestLab {
  readonly name: string;

  constructor(name: string) {
    this.name = `t${process.pid}-${name}`;
  }

  /** Runs a lab command on this lab. */
  async run(command: string, args: readonly string[] = [], input = ''): Promise<Run> {
    return bulkhead(['lab', command, '--name', this.name, ...args], input);
  }

  async up(...args: readonly string[]): Promise<void> {
    expectSuccess(await this.run('up', args));
  }

  /** Whatever state the lab is in, even if it never came up. */
  async down(): Promise<void> {
    const { code, stderr } = await this.run('down');
    if (code !== 0 && !stderr.includes('LAB_NOT_UP')) throw new Error(stderr);
  }

  async apply(manifests: string): Promise<ChangeReport> {
    return this.json('apply', ['-f', '-'], manifests);
  }

  async probe(...args: readonly string[]): Promise<ProbeReport> {
    const run = await this.run('probe', ['-o', 'json', ...args]);
    if (run.code === 2) throw new Error(run.stderr);
    return JSON.parse(run.stdout) as ProbeReport;
  }

  async status(): Promise<StatusReport> {
    return this.json('status');
  }

  async exec(pod: string, ...command: readonly string[]): Promise<Run> {
    return this.run('exec', [pod, '--', ...command]);
  }

  /** Past flows that the filter options let through, oldest first. */
  async flows(...args: readonly string[]): Promise<FlowRecord[]> {
    const { stdout } = expectSuccess(await this.run('flows', ['-o', 'json', ...args]));
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as FlowItem)
      .flatMap((item) => (item.kind === 'flow' ? [item.record] : []));
  }

  async json<T>(command: string, args: readonly string[] = [], input = ''): Promise<T> {
    const { stdout } = expectSuccess(await this.run(command, ['-o', 'json', ...args], input));
    return JSON.parse(stdout) as T;
  }
}

function expectSuccess(run: Run): Run {
  if (run.code === 0) return run;
  throw new Error(`exit code ${run.code}\n${run.stderr}${run.stdout}`);
}

export function describeDifferences(report: ProbeReport): string[] {
  return report.differences.map(
    ({ source, destination, port, protocol, allowed, outcome }) =>
      `${source} → ${destination} ${port}/${protocol}: policies say ${allowed ? 'allowed' : 'denied'}, packets say ${outcome}`,
  );
}

export const isRoot = process.geteuid?.() === 0;
