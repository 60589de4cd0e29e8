/** A sample of the corpus by real packets; `bulkhead conformance --engine lab-ebpf` runs all of it. */
import { describe, expect, test } from 'vitest';
import type { Case, Stack } from '../../src/conformance/case.ts';
import { readCorpus } from '../../src/conformance/corpus.ts';
import type { Via } from '../../src/conformance/engine.ts';
import { engines } from '../../src/conformance/engines.ts';
import type { EngineName } from '../../src/conformance/engines.ts';
import { conformanceReport } from '../../src/conformance/report.ts';
import { runCorpus } from '../../src/conformance/run.ts';
import { listLabs } from '../../src/lab/network/destroy.ts';
import { isRoot } from './lab-harness.ts';

const corpus = readCorpus();
const labs = Object.keys(engines).filter((name): name is EngineName => name.startsWith('lab-'));

async function run(name: EngineName, options: { via: Via; stack: Stack; cases: readonly string[] }) {
  const { via, stack, cases } = options;
  const chosen = corpus.cases.filter(({ id }) => cases.includes(id));
  expect(chosen.map(({ id }: Case) => id).toSorted()).toEqual(cases.toSorted());
  const engine = await engines[name]();
  const results = await runCorpus({
    engine,
    corpus: { ...corpus, cases: chosen },
    stacks: [stack],
    via,
  });
  return conformanceReport(results, { engine: name, via, ms: 0 });
}

describe.skipIf(!isRoot).each(labs)('[root] the corpus by real packets, on %s', (name) => {
  test.each<{ via: Via; stack: Stack; cases: readonly string[] }>([
    // Everything that a lab does beside policies: SCTP and ICMP by raw sockets, nodes, hostNetwork, outside addresses,
    // pods and namespaces that come and go, addresses that are passed on.
    {
      via: 'pod-ip',
      stack: 'dual',
      cases: [
        'e2e-46',
        'api-02',
        'corner-11',
        'corner-16',
        'corner-17',
        'corner-25',
        'corner-44',
        'cyclonus-action-3',
      ],
    },
    {
      via: 'service-ip',
      stack: 'ipv6',
      cases: ['corner-05', 'corner-06', 'corner-07', 'corner-19', 'cyclonus-action-5'],
    },
    { via: 'service-name', stack: 'dual', cases: ['cyclonus-action-2', 'cyclonus-conflict-05'] },
  ])('$stack, via $via', async (options) => {
    const report = await run(name, options);
    expect(
      report.cases.flatMap(({ id, differences }) => differences.map(({ text }) => `${id}: ${text}`)),
    ).toEqual([]);
    expect(report.totals.passed).toBe(options.cases.length);
    expect(listLabs().filter((lab) => lab.startsWith(`conformance-${process.pid}-`))).toEqual([]);
  });
});
