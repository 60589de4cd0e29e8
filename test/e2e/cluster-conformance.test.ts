/**
 * A cluster of real nodes, judged through its API: by the corpus and by Kubernetes' own suite, a sample of each. All of
 * both: npm run e2e.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { agnhostImage } from '../../src/conformance/cluster/image.ts';
import { runLabel } from '../../src/conformance/cluster/names.ts';
import { readCorpus } from '../../src/conformance/corpus.ts';
import { clusterEngine } from '../../src/conformance/engines/cluster.ts';
import { conformanceReport, type ConformanceReport } from '../../src/conformance/report.ts';
import { runCorpus } from '../../src/conformance/run.ts';
import { ApiClient } from '../cluster/api/client.ts';
import { reasonToSkip } from '../cluster/parts/reason-to-skip.ts';
import { clusterDown, clusterUp, type Cluster } from '../cluster/whole/cluster.ts';
import { buildImage, installBulkhead } from '../cluster/whole/install.ts';
import { runSuite } from '../upstream/run-suite.ts';
import { whyNoLongRun } from './installed-cluster.ts';

const why = whyNoLongRun ?? reasonToSkip(['netpol-suite']);

/** Takes a minute in all, but for a machine with much else to do. */
const patienceMs = 600_000;

/** What is found out through the API, each at least once; the comment says what a case is here for. */
const sample = [
  'api-02', // changes that the API server refuses
  'corner-27', // a pod that is made anew
  'corner-40', // names of namespaces in selectors, and a namespace that comes
  'corner-42', // labels of pods and namespaces that change
  'corner-51', // what no API server serves any more
  'cyclonus-example-1', // a namespace that goes
  'cyclonus-peers-010', // a block, of the first family alone
  'e2e-01',
  'e2e-18', // names of ports
  'e2e-20', // a policy that changes
  'e2e-33', // a policy that goes
  'e2e-44', // UDP
];

describe.skipIf(why !== undefined)(
  `[root] a cluster judged through its API${why === undefined ? '' : ` (skipped: ${why})`}`,
  () => {
    const name = `q${process.pid % 100_000}`;
    const corpus = readCorpus();
    let cluster: Cluster;
    let client: ApiClient;
    let folder: string;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'bulkhead-conformance-'));
      cluster = await clusterUp({ name, families: 'dual' });
      client = new ApiClient(cluster.kubeconfig);
    });

    afterAll(async () => {
      client?.close();
      await clusterDown(name);
      rmSync(folder, { recursive: true });
    });

    async function conformance(ids: readonly string[]): Promise<ConformanceReport> {
      const { kubeconfig } = cluster;
      const target = await clusterEngine({ kubeconfig, image: agnhostImage, keep: false });
      expect(target.stack).toBe('dual');
      const cases = corpus.cases.filter(({ id }) => ids.includes(id));
      const { engine } = target;
      const options = { engine, corpus: { ...corpus, cases }, stacks: [target.stack], parallel: 2 };
      const results = await runCorpus({ ...options, via: 'pod-ip' }).finally(() => target.close());
      return conformanceReport(results, { engine: engine.name, via: 'pod-ip', ms: 0 });
    }

    async function leftNamespaces(): Promise<unknown[]> {
      const path = `/api/v1/namespaces?labelSelector=${encodeURIComponent(runLabel)}`;
      const { items } = (await client.must('GET', path)) as { items: { status: { phase: string } }[] };
      return items.filter(({ status }) => status.phase !== 'Terminating');
    }

    test('where nothing enforces, it says so', async () => {
      const { cases } = await conformance(['e2e-01']);
      expect(cases[0]?.differences).toHaveLength(12);
      expect(cases[0]?.differences[0]?.text).toBe('x/a → x/b 80/TCP IPv4: expected denied, was allowed');
      expect(await leftNamespaces()).toEqual([]);
    });

    test('Bulkhead is installed', { timeout: patienceMs }, async () => {
      const image = join(folder, 'image.tar');
      await buildImage(image);
      await installBulkhead(cluster, image);
      const { items } = (await client.must('GET', '/apis/bulkhead.io/v1alpha1/nodepolicystatuses')) as {
        items: unknown[];
      };
      expect(items).toHaveLength(2);
    });

    test(
      'where it enforces, all is as it should be, and nothing is left',
      { timeout: patienceMs },
      async () => {
        const report = await conformance(sample);
        expect(
          report.cases.flatMap(({ id, differences }) => differences.map(({ text }) => `${id}: ${text}`)),
        ).toEqual([]);
        const { totals, skippedCells } = report;
        expect({ passed: totals.passed, skipped: totals.skipped }).toEqual({
          passed: sample.length - 1,
          skipped: 1,
        });
        expect(skippedCells).toMatchObject({ 'the API server knows no extensions/v1beta1': 1 });
        expect(await leftNamespaces()).toEqual([]);
      },
    );

    test('Kubernetes’ own suite agrees', { timeout: patienceMs }, async () => {
      const cases = await runSuite({
        kubeconfig: cluster.kubeconfig,
        focus: 'default-deny-all',
        progress: console.log,
        output: 'ignore',
      });
      const ran = cases.filter(({ outcome }) => outcome !== 'skipped');
      expect(ran.map(({ outcome, message }) => [outcome, message])).toEqual([['passed', '']]);
    });
  },
);
