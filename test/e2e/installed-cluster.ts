/** A cluster of real nodes with Bulkhead's image on them, for tests that install it as users do. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { root } from '../../scripts/deploy/names.ts';
import { agnhostImage } from '../../src/conformance/cluster/image.ts';
import { ensureParts } from '../cluster/parts/cache.ts';
import { allParts } from '../cluster/parts/catalogue.ts';
import { reasonToSkip } from '../cluster/parts/reason-to-skip.ts';
import { run } from '../cluster/process/run.ts';
import { clusterDown, clusterUp } from '../cluster/whole/cluster.ts';
import type { Cluster } from '../cluster/whole/cluster.ts';

const missing = ['/usr/sbin/runc', '/usr/lib/cni/ptp', join(root, 'dist/bulkhead.bpf.o')].find(
  (path) => !existsSync(path),
);

/** Why there can be no such cluster here; undefined: there can. */
export const whyNoCluster =
  process.geteuid?.() === 0 ? (reasonToSkip(allParts) ?? (missing && `no ${missing}`)) : 'not root';

/** The same for tests that take minutes. */
export const whyNoLongRun = process.env['BULKHEAD_E2E'] === '1' ? whyNoCluster : 'only with BULKHEAD_E2E=1';

export class InstalledCluster {
  readonly #name: string;
  #cluster: Cluster | undefined;
  #program = '';

  /** `prefix`: a letter that no other file of tests uses, which may run at the same time. */
  constructor(prefix: string) {
    this.#name = `${prefix}${process.pid % 100_000}`;
  }

  /** Until the nodes are ready and have the image. */
  async up(): Promise<void> {
    this.#cluster = await clusterUp({ name: this.#name });
    this.#program = (await ensureParts(['kubectl'], console.log)).kubectl;
    const folder = mkdtempSync(join(tmpdir(), 'bulkhead-installed-'));
    try {
      const image = join(folder, 'image.tar');
      await run(process.execPath, [join(root, 'scripts/build-image.ts'), image]);
      await this.#cluster.importImage(image);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  async down(): Promise<void> {
    await clusterDown(this.#name);
  }

  get cluster(): Cluster {
    if (!this.#cluster) throw new Error('the cluster is not up');
    return this.#cluster;
  }

  async kubectl(args: readonly string[], input = ''): Promise<string> {
    return run(this.#program, ['--kubeconfig', this.cluster.kubeconfig, ...args], input);
  }

  /** What a command in the agent's container prints, also where it exits with 1, as commands do that find something. */
  async inAgent(node: string, command: readonly string[]): Promise<string> {
    const kubectl = [this.#program, '--kubeconfig', this.cluster.kubeconfig, '-n', 'bulkhead-system'];
    const pods = ['get', 'pods', `--field-selector=spec.nodeName=${node}`, '-o', 'name'];
    const pod = (await this.kubectl(['-n', 'bulkhead-system', ...pods])).trim();
    return run('sh', ['-c', '"$@" || [ $? -eq 1 ]', 'sh', ...kubectl, 'exec', pod, '--', ...command]);
  }

  async apply(...objects: readonly unknown[]): Promise<string> {
    return this.kubectl(
      ['apply', '-f', '-'],
      JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
    );
  }

  /** Runs a script in all namespaces of a node; gives what it prints. */
  async onNode(name: string, script: string): Promise<string> {
    const node = this.cluster.nodes.find((one) => one.name === name);
    const child = node?.exec(['sh', '-c', script]);
    if (!child?.stdout || !child.stderr) throw new Error(`there is no node ${name}`);
    const ended = new Promise<number | null>((resolve) => void child.once('close', resolve));
    const [said, complaint, status] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    if (status !== 0) throw new Error(`${name}: ${script}: ended with ${status}: ${complaint}`);
    return said;
  }

  /** The agents of all nodes are the ones that were asked for, and ready. */
  async rolledOut(): Promise<string> {
    return this.kubectl([
      '-n',
      'bulkhead-system',
      'rollout',
      'status',
      'daemonset/bulkhead',
      '--timeout=60s',
    ]);
  }
}

/** A pod of one container, on a node that is told, not chosen. */
export function podOn(
  node: string,
  name: string,
  container: Readonly<Record<string, unknown>>,
  labels: Readonly<Record<string, string>> = {},
): unknown {
  const main = { name: 'main', image: agnhostImage, imagePullPolicy: 'IfNotPresent', ...container };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels },
    spec: { nodeName: node, terminationGracePeriodSeconds: 0, restartPolicy: 'Never', containers: [main] },
  };
}
