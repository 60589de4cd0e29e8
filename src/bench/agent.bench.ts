/**
 * A whole agent against a real API server: how long from its start until the kernel enforces, what it takes to hold a
 * cluster, and how soon the kernel has what changes. Needs root and the parts of the test cluster (docs/cluster.md).
 * Argument: a number of pods, for that cluster alone.
 */
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { startChurn } from '../../test/cluster/api/churn.ts';
import { ApiClient } from '../../test/cluster/api/client.ts';
import { fillStore } from '../../test/cluster/api/fill-store.ts';
import { nodeName, shapeOf } from '../../test/cluster/api/made-up-objects.ts';
import { startControlPlane } from '../../test/cluster/control-plane/control-plane.ts';
import { lightParts } from '../../test/cluster/parts/catalogue.ts';
import { reasonToSkip } from '../../test/cluster/parts/reason-to-skip.ts';
import { AgentNode } from './agent-node.ts';
import type { AgentProcess } from './agent-node.ts';
import { difference, quantile, readHistogram, shareUpTo } from './histogram.ts';

interface Size {
  readonly pods: number;
  readonly policies: number;
  readonly starts: number;
}

const sizes: readonly Size[] = [
  { pods: 10_000, policies: 1000, starts: 5 },
  { pods: 100_000, policies: 10_000, starts: 1 },
];
const changesPerSecond = 200;
const churnMs = 20_000;
/** After a start, until what came with it has been collected and written. */
const restMs = 3000;
const latency = 'bulkhead_policy_realisation_latency_seconds';

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function measure({ pods, policies, starts }: Size): Promise<void> {
  const controlPlane = await startControlPlane();
  const client = new ApiClient(controlPlane.kubeconfig, 16);
  const node = new AgentNode(Number(new URL(controlPlane.url).port));
  try {
    const definition: unknown = parse(
      readFileSync(new URL('../../deploy/crd.yaml', import.meta.url), 'utf8'),
    );
    await client.must('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition);
    const shape = shapeOf({ pods, policies });
    const filling = performance.now();
    await fillStore(controlPlane.etcdUrl, client, shape);
    say(
      `${pods.toLocaleString('en')} pods, ${policies.toLocaleString('en')} policies, ` +
        `${shape.nodes} nodes (made in ${seconds((performance.now() - filling) / 1000)})`,
    );
    const options = [
      '--kubeconfig',
      controlPlane.kubeconfig,
      '--node-name',
      nodeName(0),
      '--pod-interfaces',
      'bhpod',
    ];
    const times: number[] = [];
    for (let start = 1; start < starts; start += 1) {
      const agent = await node.startAgent(options);
      times.push(agent.start);
      await agent.stop();
      node.reset();
    }
    const agent = await node.startAgent(options);
    times.push(agent.start);
    times.sort((a, b) => a - b);
    say(
      `  from the start until the kernel enforces: median ${seconds(times[Math.floor(times.length / 2)])} of ${times.length} ` +
        `(${seconds(times[0])} to ${seconds(times.at(-1))})`,
    );
    await sleep(restMs);
    const { rssMiB, peakMiB, cpuSeconds } = agent.use;
    say(
      `  then: ${rssMiB.toFixed(0)} MiB resident, at most ${peakMiB.toFixed(0)}; ${seconds(cpuSeconds)} of processor time`,
    );
    const churn = startChurn(client, shape, changesPerSecond);
    await sleep(restMs);
    await underChurn(agent);
    await churn.stop();
    await agent.stop();
  } finally {
    node.remove();
    client.close();
    await controlPlane.stop();
  }
}

async function underChurn(agent: AgentProcess): Promise<void> {
  const [before, use] = [await agent.metrics(), agent.use];
  const begun = performance.now();
  await sleep(churnMs);
  const [after, now] = [await agent.metrics(), agent.use];
  const lasted = (performance.now() - begun) / 1000;
  const buckets = difference(readHistogram(before, latency), readHistogram(after, latency));
  const updates = (buckets.at(-1)?.count ?? 0) / lasted;
  const ms = (part: number) => `${(quantile(buckets, part) * 1000).toFixed(2)} ms`;
  const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
  say(
    `  ${changesPerSecond} changes a second, in ${updates.toFixed(0)} updates: from the arrival of the bytes until the kernel ` +
      `enforces median ${ms(0.5)}, p99 ${ms(0.99)}; ${percent(shareUpTo(buckets, 0.002))} within 2 ms, ` +
      `${percent(shareUpTo(buckets, 0.005))} within 5 ms`,
  );
  const share = (now.cpuSeconds - use.cpuSeconds) / lasted;
  say(
    `  meanwhile: ${percent(share)} of one processor, ${now.rssMiB.toFixed(0)} MiB resident, at most ${now.peakMiB.toFixed(0)}`,
  );
}

function seconds(value: number | undefined): string {
  return `${(value ?? NaN).toFixed(2)} s`;
}

const reason = process.getuid?.() === 0 ? reasonToSkip(lightParts) : 'it needs root';
if (reason === undefined) {
  const [only] = process.argv.slice(2);
  for (const size of sizes) if (only === undefined || Number(only) === size.pods) await measure(size);
  say(
    `Load averages of the machine at the end: ${loadavg()
      .map((average) => average.toFixed(1))
      .join(' ')}`,
  );
} else {
  say(`Skipped: ${reason}`);
}
