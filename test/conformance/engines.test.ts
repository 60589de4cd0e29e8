/** The whole corpus on the engines that need no network. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Corpus } from '../../src/conformance/corpus.ts';
import { readCorpus } from '../../src/conformance/corpus.ts';
import type { Engine } from '../../src/conformance/engine.ts';
import { engines } from '../../src/conformance/engines.ts';
import { conformanceReport } from '../../src/conformance/report.ts';
import { runCorpus } from '../../src/conformance/run.ts';

const isRoot = process.getuid?.() === 0;
let corpus: Corpus;
beforeAll(() => {
  corpus = readCorpus();
});

async function run(engine: Engine) {
  const results = await runCorpus({ engine, corpus, stacks: ['ipv4', 'ipv6', 'dual'], via: 'pod-ip' });
  return conformanceReport(results, { engine: engine.name, via: 'pod-ip', ms: 0 });
}

async function expectConformance(name: keyof typeof engines, nodesPass: boolean): Promise<void> {
  const report = await run(await engines[name]());
  expect(
    report.cases.flatMap(({ id, stack, differences }) =>
      differences.map(({ text }) => `${id} ${stack}: ${text}`),
    ),
  ).toEqual([]);
  expect(report.totals).toMatchObject({ failed: 0, skipped: 0 });
  expect(report.totals.cells).toBeGreaterThan(450_000);
  // Only the node's own traffic to its pods meets no hook.
  expect(Object.keys(report.skippedCells)).toHaveLength(nodesPass ? 1 : 0);
}

describe('the corpus', () => {
  it('on the reference evaluator', () => expectConformance('reference', false), 60_000);
  it('on the compiled tables', () => expectConformance('compiled', false), 60_000);
  it('on the nftables rules, interpreted', () => expectConformance('nftables', true), 120_000);
});

describe.skipIf(!isRoot)('[root] the corpus', () => {
  it('on the eBPF programs in the kernel', () => expectConformance('ebpf', true), 120_000);
});
