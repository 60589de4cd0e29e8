import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, test } from 'vitest';
import { corpusDirectory } from '../../../src/conformance/corpus.ts';
import { cyclonusFiles, generateCyclonus } from '../../../src/conformance/cyclonus/cases.ts';
import { isAllowed } from '../../../src/conformance/cyclonus/facts.ts';
import type { PodFacts } from '../../../src/conformance/cyclonus/facts.ts';
import { base } from '../../../src/conformance/cyclonus/fragments.ts';

it.each([...cyclonusFiles()])(
  'conformance/cases/%s is what the generator writes (scripts/conformance-data.ts)',
  (name, text) => {
    expect(readFileSync(join(corpusDirectory(), 'cases', name), 'utf8')).toBe(text);
  },
);

it('generates as many cases of each family as Cyclonus does', () => {
  const counts = Object.fromEntries([...generateCyclonus()].map(([family, cases]) => [family, cases.length]));
  expect(counts).toEqual({
    'cyclonus-target': 6,
    'cyclonus-rules': 4,
    'cyclonus-peers': 112,
    'cyclonus-ports': 70,
    'cyclonus-example': 1,
    'cyclonus-action': 6,
    'cyclonus-conflict': 16,
    'cyclonus-namespace': 2,
    'cyclonus-upstream': 13,
  });
});

const pod = (namespace: string, name: string): PodFacts => ({
  key: `${namespace}/${name}`,
  namespace,
  namespaceLabels: { ns: namespace },
  labels: { pod: name },
});

test('the meaning of the base policy, spelled out', () => {
  const ask = (from: PodFacts, to: PodFacts, port = 80) =>
    isAllowed([base], { from, to, port: { protocol: 'TCP', port }, over: 'primary' });
  const a = pod('x', 'a');
  const all = ['x', 'y', 'z'].flatMap((namespace) => ['a', 'b', 'c'].map((name) => pod(namespace, name)));
  const others = all.filter(({ key }) => key !== 'x/a');
  const keys = (pods: readonly PodFacts[]) => pods.map(({ key }) => key);
  expect(keys(others.filter((one) => ask(one, a)))).toEqual(['x/b', 'x/c', 'y/b', 'y/c']);
  expect(keys(others.filter((one) => ask(a, one)))).toEqual(['y/a', 'y/b', 'z/a', 'z/b']);
  expect(others.filter((one) => ask(one, a, 81) || ask(a, one, 81))).toEqual([]);
  expect(ask(pod('y', 'c'), pod('z', 'c'), 81)).toBe(true);
});
