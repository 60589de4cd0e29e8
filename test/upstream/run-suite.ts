/** Kubernetes' own end-to-end cases of network policies, on a cluster. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureParts } from '../cluster/parts/cache.ts';
import type { Progress } from '../cluster/parts/cache.ts';
import { readGinkgoReport, type SuiteCase } from './suite-report.ts';

export interface SuiteOptions {
  readonly kubeconfig: string;
  /** Regular expression of the cases' names; absent: all. */
  readonly focus?: string;
  readonly progress: Progress;
  /** What the suite itself says. */
  readonly output: 'inherit' | 'ignore';
}

/**
 * Cases that open SCTP connections are left out: not every kernel has such sockets. Those about policies that mention
 * SCTP stay.
 */
const labels = '!Feature:SCTPConnectivity';

export async function runSuite(options: SuiteOptions): Promise<readonly SuiteCase[]> {
  const { kubeconfig, focus, progress, output } = options;
  const { 'netpol-suite': program } = await ensureParts(['netpol-suite'], progress);
  const folder = mkdtempSync(join(tmpdir(), 'bulkhead-suite-'));
  const report = join(folder, 'report.json');
  try {
    const args = [
      '--provider=skeleton',
      `--kubeconfig=${kubeconfig}`,
      `--ginkgo.label-filter=${labels}`,
      `--ginkgo.json-report=${report}`,
      '--ginkgo.no-color',
      ...(focus === undefined ? [] : [`--ginkgo.focus=${focus}`]),
    ];
    const child = spawn(program, args, { stdio: ['ignore', output, output] });
    await new Promise<void>((resolve, reject) => {
      child.on('error', reject);
      // Its exit code says no more than the report.
      child.on('close', () => resolve());
    });
    return readGinkgoReport(readFileSync(report, 'utf8'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
