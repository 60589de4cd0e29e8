import { expect, test } from 'vitest';
import type { FlowRecord } from '../../../src/observe/flow-record.ts';
import { flowPrinter } from '../../../src/cli/render/flows.ts';

const end = (name: string) => ({ kind: 'pod', name, address: '10.0.0.1', port: 40_000 }) as const;

const flow = (source: string, destination: string) => ({
  kind: 'flow' as const,
  node: 'n1',
  record: {
    time: '2026-11-28T06:13:07.849Z',
    verdict: 'allowed',
    protocol: 'TCP',
    source: end(source),
    destination: end(destination),
    decisions: [],
  } satisfies FlowRecord,
});

test('columns grow with the names of pods, and stay as wide', () => {
  const printer = flowPrinter('table', { colour: false, columns: 80 }, { nodes: true });
  const lines = [
    flow('storefront/recommendation-service-55d64497cc-56v7g', 'shop/web'),
    flow('shop/a', 'shop/b'),
  ].map((item) => printer.line(item));
  const columns = lines.map((line) => line.indexOf('TCP'));
  expect(columns[0]).toBe(columns[1]);
});
