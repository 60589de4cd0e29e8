import { describe, expect, test } from 'vitest';
import { computeMatrix, type Cell, type Matrix } from '../../src/analyze/matrix.ts';
import { translatePolicies } from '../../src/dialects/translate.ts';
import { loadCluster } from '../../src/sources/load.ts';
import { examples } from './catalogue.ts';
import { expectedLine, readExpectation, workloadOf } from './expectation.ts';

/** `shop/cart`, or an address outside the cluster. */
function endOf(matrix: Matrix, id: string, family: number): string {
  const point = matrix.points.get(id);
  if (point?.kind === 'pod') return workloadOf(point.pod);
  const address = point?.addresses.find((candidate) => candidate.family === family);
  if (!address) throw new Error(`no such point: ${id}`);
  return address.text;
}

function describeCell(cell: Cell): string {
  return `${cell.source} → ${cell.destination} ${cell.port}/${cell.protocol}`;
}

describe.each(examples)('$name', ({ paths, expectation }) => {
  const { cluster } = loadCluster(paths, { unknownFields: 'error', families: [4], nodes: 2 });
  const matrix = computeMatrix(cluster, translatePolicies(cluster));
  const lines = readExpectation(expectation);
  const judged = matrix.cells
    .filter((cell) => cell.source !== cell.destination)
    .map((cell) => ({
      cell,
      line: expectedLine(lines, {
        from: endOf(matrix, cell.source, cell.family),
        to: endOf(matrix, cell.destination, cell.family),
        port: `${cell.port}/${cell.protocol}`,
      }),
    }));

  test('the computed matrix is the expected one, cell by cell', () => {
    const differing = judged
      .filter(({ cell, line }) => cell.allowed !== line.allow)
      .map(
        ({ cell, line }) =>
          `${describeCell(cell)}: computed ${cell.allowed ? 'allow' : 'deny'}, ${line.place} says otherwise`,
      );
    expect(differing).toEqual([]);
  });

  test('every expected line is about something that exists', () => {
    const used = new Set(judged.map(({ line }) => line));
    expect(lines.filter((line) => !used.has(line))).toEqual([]);
  });
});
