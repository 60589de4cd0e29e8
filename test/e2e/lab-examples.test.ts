/** Real packets in a lab of each example, against the verdicts that its author wrote down by hand. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { computeMatrix, type Matrix } from '../../src/analyze/matrix.ts';
import { translatePolicies } from '../../src/dialects/translate.ts';
import { callLab } from '../../src/lab/client.ts';
import type { ProbedCell } from '../../src/lab/probe.ts';
import { examples, type Example } from '../examples/catalogue.ts';
import { expectedLine, readExpectation, workloadOf } from '../examples/expectation.ts';
import { describeDifferences, isRoot, TestLab } from './lab-harness.ts';

/** How expectations name an end of a cell: `shop/cart`, or an address outside the cluster. */
function endOf(matrix: Matrix, id: string, { family }: ProbedCell): string {
  const point = matrix.points.get(id);
  if (point?.kind === 'pod') return workloadOf(point.pod);
  const address = point?.addresses.find((candidate) => candidate.family === family);
  if (!address) throw new Error(`no such point: ${id}`);
  return address.text;
}

/** A pod always reaches itself, and a DNS that the lab added is not in the example's hands. */
function isForExample({ source, destination, outcome }: ProbedCell): boolean {
  const added = [source, destination].some((id) => id.startsWith('kube-system/coredns-'));
  return source !== destination && !added && outcome !== 'unsupported';
}

interface Comparison {
  /** Cells where packets differ from what is computed. */
  readonly differences: readonly string[];
  /** Cells where packets differ from what is written by hand. */
  readonly wrong: readonly ProbedCell[];
}

const agreement: Comparison = { differences: [], wrong: [] };

async function compare(lab: TestLab, { expectation }: Example): Promise<Comparison> {
  const report = await lab.probe();
  const snapshot = await callLab(lab.name, { op: 'snapshot' });
  if (!snapshot) throw new Error('no snapshot');
  const matrix = computeMatrix(snapshot.cluster, translatePolicies(snapshot.cluster));
  const lines = readExpectation(expectation);
  const cells = report.cells.filter(isForExample);
  if (cells.length < 10) throw new Error(`only ${cells.length} cells were probed`);
  const wrong = cells.filter((cell) => {
    const [from, to] = [endOf(matrix, cell.source, cell), endOf(matrix, cell.destination, cell)];
    const port = `${cell.port}/${cell.protocol}`;
    return expectedLine(lines, { from, to, port }).allow !== (cell.outcome === 'open');
  });
  return { differences: describeDifferences(report), wrong };
}

const [withRecipe, whole] = [true, false].map((wanted) =>
  examples.filter(({ name }) => name.startsWith('edge, recipe') === wanted),
);

describe.skipIf(!isRoot)('[root] packets in the lab agree with the example', () => {
  describe.each(whole ?? [])('$name', (example) => {
    const lab = new TestLab('example');
    beforeAll(() => lab.up(...example.paths));
    afterAll(() => lab.down());

    test('cell by cell', async () => {
      expect(await compare(lab, example)).toEqual(agreement);
    });
  });

  // One lab for all recipes: each is applied to it and deleted again, so that live changes are tested too.
  describe('edge, recipe after recipe', () => {
    const lab = new TestLab('recipes');
    beforeAll(() => lab.up('examples/edge/base'));
    afterAll(() => lab.down());

    test.each(withRecipe ?? [])('$name', async (example) => {
      const recipe = example.paths.at(-1) ?? '';
      await lab.json('apply', ['-f', recipe]);
      expect(await compare(lab, example)).toEqual(agreement);
      await lab.json('delete', ['-f', recipe]);
    });
  });
});
