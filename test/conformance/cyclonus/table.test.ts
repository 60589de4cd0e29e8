import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PodFacts, PortFacts } from '../../../src/conformance/cyclonus/facts.ts';
import { linesOf } from '../../../src/conformance/cyclonus/table.ts';
import { fits, parseExpectation } from '../../../src/conformance/expectation.ts';

const pods: readonly PodFacts[] = ['x/a', 'x/b', 'y/a', 'y/b', 'z/a'].map((key) => {
  const namespace = key.slice(0, 1);
  return { key, namespace, namespaceLabels: {}, labels: {} };
});
const ports: readonly PortFacts[] = [
  { protocol: 'TCP', port: 80 },
  { protocol: 'TCP', port: 81 },
  { protocol: 'UDP', port: 80 },
];
const overs = ['primary', 'secondary'] as const;
const cells = pods.flatMap((from) =>
  pods.flatMap((to) => ports.flatMap((port) => overs.map((over) => ({ from, to, port, over })))),
);

function nameOf({ from, to, port, over }: (typeof cells)[number]): string {
  return `${from.key} ${to.key} ${port.port}/${port.protocol} ${over}`;
}

/** What the lines say of a cell, as cells.ts reads them. */
function said(lines: readonly string[], { from, to, port, over }: (typeof cells)[number]): boolean {
  const name = { from: from.key, to: to.key, port, family: 4, primary: over === 'primary' } as const;
  return !lines.some((line) => fits(parseExpectation(line, 'test'), name));
}

function expectSame(denied: ReadonlySet<string>): void {
  const lines = linesOf({ pods, ports, allows: (cell) => !denied.has(nameOf(cell)) });
  const asked = cells.filter(({ from, to }) => from !== to);
  expect(asked.filter((cell) => !said(lines, cell)).map(nameOf)).toEqual(
    asked.map(nameOf).filter((name) => denied.has(name)),
  );
}

test('lines say what the table says, whatever it is', () => {
  fc.assert(
    fc.property(fc.subarray(cells.map(nameOf)), (denied) => expectSame(new Set(denied))),
    { numRuns: 100 },
  );
});

test('tables as policies make them: rows and columns that are denied as a whole', () => {
  const keys = pods.map(({ key }) => key);
  fc.assert(
    fc.property(
      fc.subarray(keys),
      fc.subarray(keys),
      fc.subarray(ports.slice()),
      (sources, targets, open) => {
        const isDenied = ({ from, to, port }: (typeof cells)[number]) =>
          (sources.includes(from.key) || targets.includes(to.key)) && !open.includes(port);
        expectSame(new Set(cells.filter(isDenied).map(nameOf)));
      },
    ),
    { numRuns: 100 },
  );
});

test('a closed namespace is one line', () => {
  const lines = linesOf({ pods, ports, allows: ({ to }) => to.namespace !== 'x' });
  expect(lines).toEqual(['deny from * to x/*']);
});
