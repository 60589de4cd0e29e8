import { expect, test } from 'vitest';
import { computeMatrix } from '../../src/analyze/matrix.ts';
import { partOfMatrix } from '../../src/cli/lab-probe-report.ts';
import { matrixReport } from '../../src/cli/matrix-report.ts';
import { plainTerminal } from '../../src/cli/render/terminal.ts';
import { renderMatrixTable } from '../../src/cli/render/matrix/table.ts';
import { viewOf } from '../../src/cli/render/matrix/view-of.ts';
import { clusterOf } from '../analyze/cluster-of.ts';

const { cluster, policies } = clusterOf(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: []}}
---
apiVersion: v1
kind: Pod
metadata: {name: redis, namespace: shop, labels: {app: redis}}
spec: {containers: [{name: redis, ports: [{containerPort: 6379}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: ad, namespace: shop}
spec: {containers: []}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: redis, namespace: shop}
spec:
  podSelector: {matchLabels: {app: redis}}
  ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]
`);
const matrix = computeMatrix(cluster, policies);

test('the part of a matrix that was probed answers who reaches whom', () => {
  const toRedis = matrix.cells.filter(({ destination }) => destination === 'shop/redis');
  const part = matrixReport(partOfMatrix(matrix, toRedis), 'workload');
  expect(part.pairs.map(({ from, verdict }) => [from, verdict])).toEqual([
    ['shop/ad', 'none'],
    ['shop/redis', 'all'],
    ['shop/web', 'all'],
    ['internet', 'none'],
  ]);
  expect(part.summary).toMatchObject({ workloads: 3, pods: 4, pairs: 3, all: 1 });
  const table = renderMatrixTable(viewOf(part), plainTerminal);
  expect(table.match(/┌/g)).toHaveLength(1);
});

test('one pod stands for its workload, and the whole is the whole', () => {
  const one = matrix.cells.filter(({ source }) => source === 'shop/web-2');
  expect(new Set(partOfMatrix(matrix, one).pairs.map(({ source }) => source))).toEqual(new Set(['shop/web']));
  expect(partOfMatrix(matrix, matrix.cells)).toEqual(matrix);
});
